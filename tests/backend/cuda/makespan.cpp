#include "tests/backend/cuda/makespan.h"

#include <algorithm>
#include <vector>

#include "backend/device/program/launch_lowering.h"

namespace pipeloom::tests {

int64_t makespan_ns(const Plan& plan) {
  const TaskGraph graph = backend::launch_graph(plan);
  std::vector<int64_t> end_ns(graph.tasks().size(), 0);
  std::vector<uint32_t> before(graph.tasks().size(), UINT32_MAX);
  for (uint32_t queue = 0; queue < graph.queues(); ++queue) {
    const auto tasks = graph.queue(queue);
    for (size_t i = 1; i < tasks.size(); ++i) before[tasks[i]] = tasks[i - 1];
  }
  const std::vector<uint32_t> order = graph.topological_order().value();
  for (const uint32_t task : order) {
    int64_t begin_ns = before[task] == UINT32_MAX ? 0 : end_ns[before[task]];
    for (const TaskDependency& dependency : graph.dependencies(task)) {
      begin_ns = std::max(begin_ns, end_ns[dependency.from]);
    }
    end_ns[task] = begin_ns + graph.tasks()[task].duration_ns;
  }
  return std::ranges::max(end_ns);
}

}  // namespace pipeloom::tests
