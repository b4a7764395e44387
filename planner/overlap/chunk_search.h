#pragma once

#include <cstdint>

#include "core/slot_program.h"
#include "sim/cost/overlap_costs.h"

namespace pipeloom {

// The order of the components of an overlapped pair, and how good any other could be.
struct ChunkPlan {
  SlotProgram program;      // without durations
  int64_t duration_ns = 0;  // as the chunk engine times it
  int64_t figure4_ns = 0;   // DeepSeek-V3's order, timed the same way
  int64_t bound_ns = 0;     // no order is shorter
  bool is_figure4 = false;  // a search that gains nothing keeps DeepSeek-V3's order
};

// Searches all orders of both lanes. The components of a chain (F's, I's) that follow each other on one lane stay
// together; a W may be held back across layers, those of one kind in turn. Dynamic programming over how far each chain
// is, how many W of each kind have run and what runs now; of two ways to the same point the one that is no later and
// has no more left of what runs is kept: the shortest order, but for a nanosecond of rounding per component. O(states),
// some ten thousand for four layers; above kMaxStates Figure 4's order stands.
//
// bound_ns: the same search with nothing slowed down is the least any order takes without contention, and contention
// only adds; and with C of compute alone, X of communication, and every component at least 1 + e times longer beside
// it, T >= C + e X / (1 + e): at most T - (busy compute) of X is not beside compute, which slows what is beside it by
// e.
ChunkPlan plan_chunk(const OverlapStage& forward, const OverlapStage& backward);

}  // namespace pipeloom
