#pragma once

#include <cstdint>
#include <vector>

#include "core/result.h"
#include "core/schedule.h"

namespace pipeloom {

// The checks behind Schedule::create, one function each; `schedule` is only known to be flattened.

// Every pass exactly once, on the rank that holds the stage for the micro-batch's pipe, F before I before W there.
Status check_complete(const Schedule& schedule);

// A topological order of the slots, or the cycle of ranks that wait for each other.
Result<std::vector<uint32_t>> find_topological_order(const Schedule& schedule);

// On every queue the consumer takes the messages in the order in which the producer sends them.
Status check_queue_order(const Schedule& schedule);

}  // namespace pipeloom
