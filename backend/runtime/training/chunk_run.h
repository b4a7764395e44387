#pragma once

#include <map>
#include <memory>
#include <vector>

#include "backend/model/chunk_state.h"
#include "backend/runtime/program/rank_program.h"

namespace pipeloom::backend {

// A micro-batch between the first F and the last W of a chunk.
struct InFlight {
  Flow<float> flow;
  std::vector<std::unique_ptr<PartRun<float>>> runs;  // [part]; null before its F and after its last pass
  int open = 0;                                       // parts whose last pass has not ended
  // Bytes, for the account of activations.
  int64_t held_before = 0;  // by all micro-batches of the rank, when this one's F began
  int64_t kept = 0;         // by its F
};

// One chunk of a rank: its numbers and the micro-batches in flight.
class ChunkRun {
 public:
  ChunkRun(int pipe, int stage, std::unique_ptr<Stage<float>> maths, Sums sums, int64_t contributions, uint64_t seed)
      : pipe_(pipe), stage_(stage), maths_(std::move(maths)), state_(*maths_, sums, contributions, seed) {}

  int pipe() const { return pipe_; }
  int stage() const { return stage_; }
  const Stage<float>& maths() const { return *maths_; }
  ChunkState& state() { return state_; }

  int part_of(const RankTask& task) const { return maths_->find(task.task.key.layer, task.task.key.component); }
  // Where the micro-batch enters and leaves the chunk in a pass.
  bool enters_at(int part, SlotKind pass) const { return part == (pass == SlotKind::kF ? 0 : last_part()); }
  bool leaves_at(int part, SlotKind pass) const { return part == (pass == SlotKind::kF ? last_part() : 0); }

  // The micro-batch's F begins.
  InFlight& enter(int micro_batch);
  // REQUIRES: it is in flight.
  InFlight& in_flight(int micro_batch);
  // A new run of `part` for its F.
  PartRun<float>& start(InFlight& flight, int part);
  // Releases what the part kept, if `pass` is its last; and the micro-batch with its last part.
  void end_pass(int micro_batch, int part, SlotKind pass);
  bool idle() const { return flights_.empty(); }

 private:
  int last_part() const { return static_cast<int>(maths_->parts().size()) - 1; }

  int pipe_;
  int stage_;
  std::unique_ptr<Stage<float>> maths_;
  ChunkState state_;
  std::map<int, InFlight> flights_;  // by micro-batch
};

}  // namespace pipeloom::backend
