#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/schedule/schedule.h"

namespace pipeloom {

// The checks behind Schedule::create, one function each; `schedule` is only known to be flattened.

// Every pass exactly once, on the rank that holds the stage for the micro-batch's pipe, F before I before W there.
Status check_complete(const Schedule& schedule);

// A topological order of the slots; or the cycle of ranks that wait for each other; or the queue on which the consumer
// does not take the messages in the order in which the producer sends them.
// REQUIRES: check_complete.
Result<std::vector<uint32_t>> check_order(const Schedule& schedule);

}  // namespace pipeloom
