#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/tasks/task_graph.h"

namespace pipeloom::sim {

struct TaskTimes {
  std::vector<int64_t> start_ns;  // [task]
  std::vector<int64_t> end_ns;
  int64_t makespan_ns = 0;
};

// Returns when each task runs if nothing contends: as soon as the task before it on its queue and its dependencies
// allow. Fails if tasks wait for each other in a cycle.
Result<TaskTimes> sweep_tasks(const TaskGraph& graph);

}  // namespace pipeloom::sim
