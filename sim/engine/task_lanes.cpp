#include "sim/engine/task_lanes.h"

#include <algorithm>
#include <map>

#include "core/base/check.h"

namespace pipeloom::sim {

TaskLanes::TaskLanes(const TaskGraph& graph, int replicas) : replicas_(static_cast<uint32_t>(replicas)) {
  sort_queues(graph);
  reverse_dependencies(graph);
  number_collectives(graph);
}

void TaskLanes::sort_queues(const TaskGraph& graph) {
  int32_t last_rank = -1;
  for (const Task& task : graph.tasks()) last_rank = std::max({last_rank, task.key.rank, task.peer});
  ranks_.resize(last_rank + 1);
  transfers_.resize(last_rank + 1);
  for (uint32_t queue = 0; queue < graph.queues(); ++queue) {
    const Task& task = graph.tasks()[graph.queue(queue).front()];
    Rank& rank = ranks_[task.key.rank];
    rank_of_queue_.push_back(task.key.rank);
    if (task.lane == Lane::kCompute) rank.compute = queue;
    if (task.lane == Lane::kEp) rank.ep = queue;
    if (task.lane == Lane::kDp) rank.dp = queue;
    const bool send = task.key.kind == TaskKind::kSend;
    if (task.lane == Lane::kEp || task.lane == Lane::kDp || send) transfers_[task.key.rank].push_back(queue);
    if (send) transfers_[task.peer].push_back(queue);
  }
}

void TaskLanes::reverse_dependencies(const TaskGraph& graph) {
  const auto tasks = static_cast<uint32_t>(graph.tasks().size());
  has_delay_.resize(tasks);
  dependent_begin_.assign(tasks + 1, 0);
  for (uint32_t task = 0; task < tasks; ++task) {
    PIPELOOM_THROW_UNLESS(graph.dependencies(task).size() <= std::numeric_limits<uint16_t>::max());
    dependencies_.push_back(static_cast<uint16_t>(graph.dependencies(task).size()));
    for (const TaskDependency& dependency : graph.dependencies(task)) {
      ++dependent_begin_[dependency.from + 1];
      if (dependency.delay_ns > 0) has_delay_[task] = true;
    }
  }
  for (uint32_t task = 0; task < tasks; ++task) dependent_begin_[task + 1] += dependent_begin_[task];
  dependents_.resize(dependent_begin_.back());
  std::vector<uint32_t> next(dependent_begin_.begin(), dependent_begin_.end() - 1);
  for (uint32_t task = 0; task < tasks; ++task) {
    for (const TaskDependency& dependency : graph.dependencies(task)) dependents_[next[dependency.from]++] = task;
  }
}

void TaskLanes::number_collectives(const TaskGraph& graph) {
  collective_of_.assign(graph.tasks().size(), kNone);
  std::map<int32_t, uint32_t> numbers;  // numbers by Task::collective
  uint32_t count = 0;
  for (uint32_t number = 0; number < graph.tasks().size(); ++number) {
    const Task& task = graph.tasks()[number];
    if (task.collective >= 0) {
      const auto [entry, is_new] = numbers.try_emplace(task.collective, count);
      collective_of_[number] = entry->second;
      count += is_new ? 1 : 0;
    } else if (task.lane == Lane::kEp && replicas_ > 1) {
      collective_of_[number] = count++;
    }
  }
  member_begin_.assign(count + 1, 0);
  for (const uint32_t collective : collective_of_) {
    if (collective != kNone) ++member_begin_[collective + 1];
  }
  for (uint32_t collective = 0; collective < count; ++collective) {
    member_begin_[collective + 1] += member_begin_[collective];
  }
  member_queues_.resize(member_begin_.back());
  std::vector<uint32_t> next(member_begin_.begin(), member_begin_.end() - 1);
  for (uint32_t number = 0; number < graph.tasks().size(); ++number) {
    if (const uint32_t collective = collective_of_[number]; collective != kNone) {
      member_queues_[next[collective]++] = graph.tasks()[number].queue;
    }
  }
}

}  // namespace pipeloom::sim
