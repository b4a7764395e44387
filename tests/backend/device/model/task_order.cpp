#include "tests/backend/device/model/task_order.h"

#include <random>
#include <utility>

namespace pipeloom::tests {

std::vector<uint32_t> order_of(const TaskGraph& graph, uint64_t seed) {
  const auto count = static_cast<uint32_t>(graph.tasks().size());
  std::vector<std::vector<uint32_t>> after(count);
  std::vector<int> waits(count);
  const auto edge = [&](uint32_t from, uint32_t to) {
    after[from].push_back(to);
    ++waits[to];
  };
  for (uint32_t queue = 0; queue < graph.queues(); ++queue) {
    const auto tasks = graph.queue(queue);
    for (size_t i = 1; i < tasks.size(); ++i) edge(tasks[i - 1], tasks[i]);
  }
  for (uint32_t task = 0; task < count; ++task) {
    for (const TaskDependency& dependency : graph.dependencies(task)) edge(dependency.from, task);
  }
  std::vector<uint32_t> ready;
  for (uint32_t task = 0; task < count; ++task) {
    if (waits[task] == 0) ready.push_back(task);
  }
  std::mt19937_64 random(seed);
  std::vector<uint32_t> order;
  while (!ready.empty()) {
    std::swap(ready[random() % ready.size()], ready.back());
    order.push_back(ready.back());
    ready.pop_back();
    for (const uint32_t next : after[order.back()]) {
      if (--waits[next] == 0) ready.push_back(next);
    }
  }
  return order;
}

}  // namespace pipeloom::tests
