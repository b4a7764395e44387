#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/schedule.h"

namespace pipeloom {

// The checks behind Schedule::create. They assume nothing about the order of `schedule`.

// Checks that every pass is there exactly once, on the rank that holds the stage of its micro-batch's pipe, F before I
// before W.
Status check_complete(const Schedule& schedule);

// Returns a topological order of the slots. The error names the cycle of ranks that wait for each other, or the queue
// whose consumer does not take the messages in the order in which the producer sends them. REQUIRES: check_complete.
Result<std::vector<uint32_t>> check_order(const Schedule& schedule);

}  // namespace pipeloom
