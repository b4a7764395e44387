#pragma once

#include "core/base/result.h"
#include "core/costs/costs.h"
#include "core/job/job.h"
#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"

namespace pipeloom::sim {

struct P2pRule {
  P2pMode mode = P2pMode::kAsync;
  int receive_depth = 0;  // posted receive buffers per queue, with asynchronous P2P only; 0: unlimited
};

// Returns when each slot runs if `schedule` costs `costs`. Slots start as soon as their lane and inputs allow; ties go
// by (time, rank, lane, sequence). Integer arithmetic throughout. Pure: same input, same timeline, bit for bit.
// O(slots) if links only have latency and buffers are unlimited, else O(slots log ranks).
Result<Timeline> simulate(const Schedule& schedule, const ScheduleCosts& costs, const P2pRule& rule);

}  // namespace pipeloom::sim
