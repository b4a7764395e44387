#pragma once

#include <vector>

#include "core/schedule/slot.h"

namespace pipeloom::planner {

// One rank of DualPipe or DualPipeV. A rank runs two routes ("phases"). Phase 0 is the one that reaches it first.
struct DualPipeRank {
  struct Phase {
    int stage = 0;
    int first_micro_batch = 0;
  };
  Phase phases[2];
  int micro_batches = 0;  // in each phase
  int position = 0;       // 0 on the rank where phase 0 begins, half-1 where the two phases meet
  int half = 0;           // number of positions
  bool sends_warm_up_at_once = false;

  bool is_turn() const { return position == half - 1; }
};

// Returns the rank's order by the eight steps of DualPipe.step and DualPipeV.step (deepseek-ai/DualPipe@3da1bbe), which
// differ only in the numbers of a DualPipeRank. Sets the flags of slots so that blocking P2P forms the same batches.
std::vector<Slot> dualpipe_order(const DualPipeRank& rank);

}  // namespace pipeloom::planner
