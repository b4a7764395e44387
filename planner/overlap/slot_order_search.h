#pragma once

#include <cstdint>

#include "core/costs/slot_program.h"
#include "sim/cost/overlap_costs.h"

namespace pipeloom::planner {

// An order of the components of an overlapped pair or of a B, and how good any other order could be.
struct FoundSlotOrder {
  SlotProgram program;      // durations are those of the components alone
  int64_t duration_ns = 0;  // as simulate_slot() times it
  int64_t usual_ns = 0;     // duration of usual_order(), timed the same way; in a pair it is DeepSeek-V3's order
  int64_t bound_ns = 0;     // no order is shorter
  bool is_usual = false;    // the search gained nothing and keeps the usual order
};

// Searches the orders of both lanes. Components of a chain (F's, I's) that follow each other on one lane stay together.
// A W may be held back across layers; W's of one kind run in turn.
// Method: dynamic programming over how far each chain is, how many W's of each kind have run, and what runs now. If two
// ways reach the same point, the one that is no later and has no more left of what runs is kept. The result is the
// shortest order, but for a nanosecond of rounding per component. O(states), some ten thousand for four layers. Longer
// slots repeat themselves; in them the chains stay within a window of a few layers of each other, and the result is the
// shortest such order. F, I or W alone have only one order.
// bound_ns is the larger of two bounds. First, the same search without contention, if no window limits it: contention
// only adds time. Second, T >= C + e X / (1 + e), with C of compute alone, X of communication, and every component at
// least 1 + e times as long beside communication: at most T - (busy compute) of X is not beside compute, and the rest
// slows compute by e.
// An empty forward stage means a B alone.
FoundSlotOrder search_slot_order(const sim::OverlapStage& forward, const sim::OverlapStage& backward);

}  // namespace pipeloom::planner
