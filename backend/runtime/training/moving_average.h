#pragma once

#include <future>
#include <memory>
#include <vector>

#include "backend/runtime/training/chunk_run.h"

namespace pipeloom::backend {

// Updates the moving averages of a rank's chunks on a thread of its own, beside the step: weights are only read until
// the optimizer runs, which waits for it. Called by the rank's thread.
class MovingAverage {
 public:
  // `chunks` outlive it. A decay of 0: there is nothing to do.
  MovingAverage(const std::vector<std::unique_ptr<ChunkRun>>& chunks, double decay);

  // Of the weights as they are. REQUIRES: done().
  void begin();
  bool done() const;
  // Both, and waits.
  void update();
  // ChunkState::averages_digest of all chunks.
  uint64_t digest() const;

 private:
  const std::vector<std::unique_ptr<ChunkRun>>& chunks_;
  double decay_;
  std::future<void> update_;
};

}  // namespace pipeloom::backend
