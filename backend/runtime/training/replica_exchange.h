#pragma once

#include <vector>

#include "backend/runtime/messages/gather.h"
#include "backend/runtime/training/chunk_run.h"
#include "backend/runtime/training/shared_numbers.h"
#include "core/job/layout.h"
#include "core/schedule/placement.h"

namespace pipeloom::backend {

// What the copies of one chunk's numbers tell each other at the end of a step: each member of a group gets the
// gradients of its part, runs the optimizer for it, and hands the weights out (ZeRO-1).
class ReplicaExchange {
 public:
  // All arguments outlive it. `rank` holds `chunk`, whose moments of this member's part it makes in the format given.
  // `copies_tokens`: a token table that the chunk has is reduced with the one at the other end of the model.
  ReplicaExchange(ChunkRun& chunk, const Layout& layout, const Placement& placement, RunRank rank, Endpoint& endpoint,
                  Format moments, bool copies_tokens);

  // Returns the bytes that it sends. So below.
  int64_t send_gradients(int64_t step, Gather& gather);
  // `next`: the first message of `gather` that is for this chunk; moved on. So below.
  Status add_gradients(Gather& gather, size_t& next);
  // Of the gradients of this member's part.
  Status add_squares(SquareSum& squares) const;
  // Steps number from 0. `scale`: what gradients are multiplied by.
  int64_t optimize_and_send(const AdamOptions& options, const LoadBalance& balance, int64_t step, double scale,
                            Gather& gather);
  Status take_weights(Gather& gather, size_t& next);

  // Around an optimizer that may have to be undone: what its part is before, and that again.
  void remember();
  void undo();

 private:
  int64_t exchange(const SharedNumbers& shared, int member, const MessageTag& tag, std::vector<std::byte> bytes,
                   Gather& gather);

  ChunkRun& chunk_;
  Endpoint& endpoint_;
  std::vector<SharedNumbers> shared_;
  // Of each part, before the optimizer.
  std::vector<std::vector<float>> remembered_weights_;
  std::vector<Moments> remembered_moments_;
};

}  // namespace pipeloom::backend
