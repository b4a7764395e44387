#pragma once

#include <map>
#include <tuple>

#include "backend/runtime/rank_program.h"

namespace pipeloom {

// Which slot of its chunk a micro-batch has, for memory that is given out before the first step and never moves: the
// lowest that is free when its first computation starts, until its last has ended. Computation is in one order, so
// this is known from the program.
class GpuSlots {
 public:
  explicit GpuSlots(const RankProgram& program);

  // REQUIRES: the rank computes the micro-batch's pass of this chunk.
  int of(int pipe, int stage, int micro_batch) const { return slots_.at({pipe, stage, micro_batch}); }
  // How many a chunk needs.
  int needed(int pipe, int stage) const;

 private:
  std::map<std::tuple<int, int, int>, int> slots_;  // pipe, stage, micro-batch
};

}  // namespace pipeloom
