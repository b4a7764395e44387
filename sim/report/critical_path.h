#pragma once

#include <cstdint>
#include <vector>

#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"
#include "sim/report/hand_over.h"

namespace pipeloom::sim {

// Returns the chain of slots that decides the makespan, first to last: each starts because the one before it ended or
// handed over to it.
std::vector<uint32_t> critical_path(const Schedule& schedule, const Timeline& timeline, const HandOvers& hand_overs);

// Returns how long at least one slot of the path computes; the rest of the makespan passes between ranks. A slot may
// begin before the one that it waits for ends: messages leave before W is done.
int64_t computing_ns(const std::vector<uint32_t>& path, const Timeline& timeline);

// [slot] Returns how much later each slot could end without a longer makespan, if every hand-over takes as long as it
// did. Exact if links only have latency; otherwise a shifted message could meet other traffic.
std::vector<int64_t> slack_ns(const Schedule& schedule, const Timeline& timeline, const HandOvers& hand_overs);

}  // namespace pipeloom::sim
