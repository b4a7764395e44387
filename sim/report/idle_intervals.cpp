#include "sim/report/idle_intervals.h"

#include <algorithm>

namespace pipeloom::sim {

namespace {

// Cuts [begin, end) before `slot` into pieces with one cause each.
void explain_gap(int rank, uint32_t slot, int64_t begin_ns, int64_t end_ns, const HandOvers& hand_overs,
                 std::vector<IdleInterval>& out) {
  const auto add = [&](IdleCause cause, int64_t until_ns, uint32_t waits_for) {
    const int64_t piece_end_ns = std::min(until_ns, end_ns);
    if (piece_end_ns <= begin_ns) return;
    out.push_back({rank, cause, begin_ns, piece_end_ns, slot, waits_for});
    begin_ns = piece_end_ns;
  };
  const auto binding = hand_overs.binding(slot, rank);
  if (binding) {
    const HandOver& hand_over = binding->hand_over;
    add(IdleCause::kWaitsForTask, hand_over.ready_ns - binding->need_ns, hand_over.producer);
    add(IdleCause::kNoCredit, hand_over.admitted_ns - binding->need_ns, binding->last_slot);
    add(IdleCause::kLinkBusy, hand_over.start_ns - binding->need_ns, hand_over.producer);
    add(IdleCause::kExposedTransfer, end_ns, hand_over.producer);
  }
}

}  // namespace

std::vector<IdleInterval> idle_intervals(const Schedule& schedule, const Timeline& timeline,
                                         const HandOvers& hand_overs) {
  std::vector<IdleInterval> intervals;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    const uint32_t first = schedule.first_slot(rank);
    const uint32_t end = schedule.first_slot(rank + 1);
    int64_t free_ns = 0;
    for (uint32_t slot = first; slot < end; ++slot) {
      const int64_t start_ns = timeline.start_ns[slot];
      if (start_ns > free_ns) {
        if (slot == first) {
          intervals.push_back({rank, IdleCause::kWarmUp, 0, start_ns, slot, IdleInterval::kNoSlot});
        } else {
          explain_gap(rank, slot, free_ns, start_ns, hand_overs, intervals);
        }
      }
      free_ns = timeline.end_ns[slot];
    }
    if (free_ns < timeline.makespan_ns) {
      intervals.push_back(
          {rank, IdleCause::kDrain, free_ns, timeline.makespan_ns, IdleInterval::kNoSlot, IdleInterval::kNoSlot});
    }
  }
  return intervals;
}

std::vector<std::array<int64_t, kIdleCauses>> idle_by_cause(int ranks, const std::vector<IdleInterval>& intervals) {
  std::vector<std::array<int64_t, kIdleCauses>> totals(ranks);
  for (auto& rank : totals) rank.fill(0);
  for (const IdleInterval& interval : intervals) {
    totals[interval.rank][static_cast<size_t>(interval.cause)] += interval.duration_ns();
  }
  return totals;
}

}  // namespace pipeloom::sim
