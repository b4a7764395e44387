#pragma once

#include <array>
#include <vector>

#include "core/schedule/idle.h"
#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"
#include "sim/report/hand_over.h"

namespace pipeloom::sim {

// Returns every idle interval of every rank within the makespan, by rank, then by time. A gap before a slot is cut
// where its cause changes: the slot waits for the task that computes its input, then for a receive buffer, the link,
// and the transfer itself. The pieces of a rank sum to makespan - busy, exactly.
std::vector<IdleInterval> idle_intervals(const Schedule& schedule, const Timeline& timeline,
                                         const HandOvers& hand_overs);

// Returns totals in ns, [rank][cause].
std::vector<std::array<int64_t, kIdleCauses>> idle_by_cause(int ranks, const std::vector<IdleInterval>& intervals);

}  // namespace pipeloom::sim
