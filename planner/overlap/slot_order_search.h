#pragma once

#include <cstdint>

#include "core/costs/slot_program.h"
#include "sim/cost/overlap_costs.h"

namespace pipeloom::planner {

// The order of the components of an overlapped pair or of a B, and how good any other could be.
struct FoundSlotOrder {
  SlotProgram program;      // without durations
  int64_t duration_ns = 0;  // as simulate_slot times it
  int64_t usual_ns = 0;     // usual_order(), timed the same way: DeepSeek-V3's in a pair
  int64_t bound_ns = 0;     // no order is shorter
  bool is_usual = false;    // a search that gains nothing keeps the usual order
};

// Searches all orders of both lanes. The components of a chain (F's, I's) that follow each other on one lane stay
// together; a W may be held back across layers, those of one kind in turn. Dynamic programming over how far each chain
// is, how many W of each kind have run and what runs now; of two ways to the same point the one that is no later and
// has no more left of what runs is kept: the shortest order, but for a nanosecond of rounding per component. O(states),
// some ten thousand for four layers. In longer slots, which repeat themselves, the chains stay within a window of a
// few layers of each other: the shortest such order. F alone has one order only, as have I and W.
//
// bound_ns: the same search with nothing slowed down (where no window limits it) is the least any order takes without
// contention, and contention only adds; and with C of compute alone, X of communication, and every component at least 1
// + e times longer beside it, T >= C + e X / (1 + e): at most T - (busy compute) of X is not beside compute, which
// slows what is beside it by e. A forward stage without components: B alone.
FoundSlotOrder search_slot_order(const sim::OverlapStage& forward, const sim::OverlapStage& backward);

}  // namespace pipeloom::planner
