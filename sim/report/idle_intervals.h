#pragma once

#include <array>
#include <vector>

#include "core/schedule/idle.h"
#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"
#include "sim/report/hand_over.h"

namespace pipeloom::sim {

// Every idle interval of every rank within the makespan, by rank, then by time. A gap before a slot is cut where its
// cause changes: until the input is computed the slot waits for that task, then for a receive, for the link, and for
// the transfer itself. The pieces of a rank sum to makespan - busy, exactly.
std::vector<IdleInterval> idle_intervals(const Schedule& schedule, const Timeline& timeline,
                                         const HandOvers& hand_overs);

// [rank][cause] total in ns.
std::vector<std::array<int64_t, kIdleCauses>> idle_by_cause(int ranks, const std::vector<IdleInterval>& intervals);

}  // namespace pipeloom::sim
