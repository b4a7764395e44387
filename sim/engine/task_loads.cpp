#include "sim/engine/task_loads.h"

#include <numeric>

namespace pipeloom::sim {

TaskLoads uncontended_loads(const TaskGraph& graph) {
  TaskLoads loads;
  for (const Task& task : graph.tasks()) loads.loads.push_back(TaskLoad::alone(task.duration_ns));
  loads.of_task.resize(graph.tasks().size());
  std::iota(loads.of_task.begin(), loads.of_task.end(), 0);
  return loads;
}

}  // namespace pipeloom::sim
