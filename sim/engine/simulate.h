#pragma once

#include "core/costs.h"
#include "core/job.h"
#include "core/result.h"
#include "core/schedule.h"
#include "core/timeline.h"

namespace pipeloom {

struct P2pRule {
  P2pMode mode = P2pMode::kAsync;
  int receive_depth = 0;  // posted receive buffers per queue; 0: unlimited. Only asynchronous P2P has it
};

// Returns when each slot runs if `schedule` costs `costs`. Slots start as soon as their lane and inputs allow; ties go
// by (time, rank, lane, sequence). Integer arithmetic throughout. Pure: same input, same timeline, bit for bit.
// O(slots) where links only have latency and buffers are unlimited, O(slots log ranks) otherwise.
Result<Timeline> simulate(const Schedule& schedule, const ScheduleCosts& costs, const P2pRule& rule);

}  // namespace pipeloom
