#pragma once

#include <cstdint>
#include <vector>

#include "core/tasks/task_graph.h"

namespace pipeloom::tests {

// All tasks in an order that the graph allows; which one, `seed` says.
std::vector<uint32_t> order_of(const TaskGraph& graph, uint64_t seed);

}  // namespace pipeloom::tests
