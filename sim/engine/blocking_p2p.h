#pragma once

#include "core/base/result.h"
#include "core/costs/costs.h"
#include "core/schedule/messages.h"
#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"

namespace pipeloom::sim {

// Simulates blocking P2P. A rank commits the batch before a slot (core/schedule/batches.h) when its last slot has
// ended, and starts the slot when all of the batch has arrived. A message leaves when both of its ranks have committed
// it and its link is free. Offsets inside slots play no part. Fails with the cycle of ranks if batches wait for each
// other.
Result<Timeline> simulate_blocking(const Schedule& schedule, const ScheduleCosts& costs, const MessageTable& messages);

}  // namespace pipeloom::sim
