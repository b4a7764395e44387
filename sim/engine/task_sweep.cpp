#include "sim/engine/task_sweep.h"

#include <algorithm>

namespace pipeloom::sim {

Result<TaskTimes> sweep_tasks(const TaskGraph& graph) {
  PIPELOOM_TRY(const std::vector<uint32_t> order, graph.topological_order());
  TaskTimes times;
  times.start_ns.resize(order.size());
  times.end_ns.resize(order.size());
  std::vector<int64_t> queue_free_ns(graph.queues(), 0);
  for (const uint32_t number : order) {
    const Task& task = graph.tasks()[number];
    int64_t start_ns = queue_free_ns[task.queue];
    for (const TaskDependency& dependency : graph.dependencies(number)) {
      start_ns = std::max(start_ns, times.end_ns[dependency.from] + dependency.delay_ns);
    }
    times.start_ns[number] = start_ns;
    times.end_ns[number] = start_ns + task.duration_ns;
    queue_free_ns[task.queue] = times.end_ns[number];
    times.makespan_ns = std::max(times.makespan_ns, times.end_ns[number]);
  }
  return times;
}

}  // namespace pipeloom::sim
