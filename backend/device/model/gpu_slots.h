#pragma once

#include <map>
#include <set>
#include <tuple>

#include "backend/runtime/program/rank_program.h"

namespace pipeloom::backend {

// Where a micro-batch is in the memory of its chunk, which is given out before the first step and never moves: a slot
// from the start of its first computation to the end of its last, and a late slot from the start of its first I to
// that end; each the lowest that is free. Computation is in one order, so this is known from the program.
class GpuSlots {
 public:
  struct Place {
    int slot = 0;
    int late = 0;
    auto operator<=>(const Place&) const = default;  // NOLINT(modernize-use-nullptr): takes its zero for a pointer
  };

  explicit GpuSlots(const RankProgram& program);

  // REQUIRES: the rank computes the micro-batch's pass of this chunk.
  Place of(int pipe, int stage, int micro_batch) const { return places_.at({pipe, stage, micro_batch}); }
  // All that micro-batches of a chunk have.
  std::set<Place> of_chunk(int pipe, int stage) const;

 private:
  std::map<std::tuple<int, int, int>, Place> places_;  // pipe, stage, micro-batch
};

}  // namespace pipeloom::backend
