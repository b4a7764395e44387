#include "core/tasks/task_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/strong_components.hpp>
#include <boost/graph/topological_sort.hpp>

#include "core/base/digest.h"

namespace pipeloom {

namespace {

using Graph = boost::compressed_sparse_row_graph<boost::directedS>;

// Makes an arc from each task to every task that comes after it by queue order or dependency.
Graph to_boost(const TaskGraph& graph) {
  std::vector<std::pair<uint32_t, uint32_t>> arcs;
  for (uint32_t queue = 0; queue < graph.queues(); ++queue) {
    const auto tasks = graph.queue(queue);
    for (size_t i = 1; i < tasks.size(); ++i) arcs.emplace_back(tasks[i - 1], tasks[i]);
  }
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
    for (const TaskDependency& dependency : graph.dependencies(task)) arcs.emplace_back(dependency.from, task);
  }
  return Graph(boost::edges_are_unsorted_multi_pass, arcs.begin(), arcs.end(), graph.tasks().size());
}

uint64_t queue_key(const Task& task) {
  const bool p2p = task.key.kind == TaskKind::kSend || task.key.kind == TaskKind::kReceive;
  const uint64_t side = task.key.kind == TaskKind::kSend ? 1 : 0;
  return (static_cast<uint64_t>(task.key.rank) << 32) | (static_cast<uint64_t>(task.lane) << 24) |
         (p2p ? (static_cast<uint64_t>(task.peer) << 8) | (static_cast<uint64_t>(task.direction) << 1) | side : 0);
}

std::string task_name(const Task& task) {
  return fmt::format("{} of layer {} ({}) in slot {} of rank {}", component_name(task.key.component), task.key.layer,
                     slot_kind_name(task.key.pass), task.key.slot, task.key.rank);
}

// Names the first few tasks that wait for each other, found as a strong component.
std::string describe_cycle(const TaskGraph& tasks, const Graph& graph) {
  std::vector<uint32_t> component(tasks.tasks().size());
  const auto index = boost::get(boost::vertex_index, graph);
  boost::strong_components(graph, boost::make_iterator_property_map(component.begin(), index));
  std::vector<uint32_t> size(component.size(), 0);
  for (const uint32_t number : component) ++size[number];
  std::string text = "tasks wait for each other in a cycle: ";
  int named = 0;
  for (uint32_t task = 0; task < component.size() && named < 4; ++task) {
    if (size[component[task]] < 2) continue;
    text += fmt::format("{}{}", named++ > 0 ? "; " : "", task_name(tasks.tasks()[task]));
  }
  return text;
}

}  // namespace

Result<std::vector<uint32_t>> TaskGraph::topological_order() const {
  Graph graph = to_boost(*this);
  std::vector<uint32_t> order;
  order.reserve(tasks_.size());
  try {
    boost::topological_sort(graph, std::back_inserter(order));
  } catch (const boost::not_a_dag&) {
    return fail(ErrorCode::kDeadlock, describe_cycle(*this, graph));
  }
  std::reverse(order.begin(), order.end());
  return order;
}

uint64_t TaskGraph::digest() const {
  Digest digest;
  for (const Task& task : tasks_) {
    digest.add(task.key.rank, task.key.slot, task.key.layer, task.key.component, task.key.pass, task.key.kind,
               task.lane, task.direction, task.peer, task.collective, task.queue, task.duration_ns, task.bytes);
  }
  for (const uint32_t begin : queue_begin_) digest.add(begin);
  for (const uint32_t task : queue_tasks_) digest.add(task);
  for (const uint32_t begin : dependency_begin_) digest.add(begin);
  for (const TaskDependency& dependency : dependencies_) digest.add(dependency.from, dependency.delay_ns);
  return digest.value();
}

uint32_t TaskGraphBuilder::add(Task task) {
  const uint64_t key = queue_key(task);
  const auto place = std::lower_bound(queue_numbers_.begin(), queue_numbers_.end(), std::pair{key, uint32_t{0}});
  uint32_t queue = static_cast<uint32_t>(queues_.size());
  if (place != queue_numbers_.end() && place->first == key) {
    queue = place->second;
  } else {
    queue_numbers_.insert(place, {key, queue});
    queues_.emplace_back();
  }
  const uint32_t number = static_cast<uint32_t>(tasks_.size());
  task.queue = queue;
  queues_[queue].push_back(number);
  tasks_.push_back(task);
  return number;
}

void TaskGraphBuilder::depend(uint32_t task, uint32_t from, int64_t delay_ns) {
  dependencies_.push_back({task, {from, delay_ns}});
}

TaskGraph TaskGraphBuilder::build() && {
  TaskGraph graph;
  graph.tasks_ = std::move(tasks_);
  for (const auto& queue : queues_) {
    graph.queue_tasks_.insert(graph.queue_tasks_.end(), queue.begin(), queue.end());
    graph.queue_begin_.push_back(static_cast<uint32_t>(graph.queue_tasks_.size()));
  }
  std::stable_sort(dependencies_.begin(), dependencies_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  graph.dependency_begin_.assign(graph.tasks_.size() + 1, 0);
  for (const auto& [task, dependency] : dependencies_) {
    ++graph.dependency_begin_[task + 1];
    graph.dependencies_.push_back(dependency);
  }
  for (size_t task = 0; task < graph.tasks_.size(); ++task) {
    graph.dependency_begin_[task + 1] += graph.dependency_begin_[task];
  }
  return graph;
}

}  // namespace pipeloom
