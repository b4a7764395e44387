#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/costs/component.h"
#include "core/schedule/schedule.h"
#include "core/tasks/trace.h"

namespace pipeloom {

// What the simulator times and the backend runs. Tasks are compared by key, never by their number in a graph.
struct Task {
  TaskKey key;
  Lane lane = Lane::kCompute;
  Direction direction = Direction::kForward;  // for sends and receives
  int32_t peer = -1;                          // for sends and receives: the other rank
  int32_t collective = -1;                    // members of one collective share it
  uint32_t queue = 0;                         // number of the in-order queue that runs it, below TaskGraph::queues()
  int64_t duration_ns = 0;                    // alone, without contention
  int64_t bytes = 0;                          // for sends and receives

  bool operator==(const Task&) const = default;
};

// `from` must have ended, and `delay_ns` passed, before the task starts.
struct TaskDependency {
  uint32_t from = 0;
  int64_t delay_ns = 0;

  bool operator==(const TaskDependency&) const = default;
};

// All tasks of one step of one replica, their in-order queues and what they wait for beyond their queue. Immutable;
// made by lowering (core/tasks/lower.h).
class TaskGraph {
 public:
  std::span<const Task> tasks() const { return tasks_; }
  // Tasks of one queue, in its order.
  std::span<const uint32_t> queue(uint32_t number) const {
    return std::span(queue_tasks_).subspan(queue_begin_[number], queue_begin_[number + 1] - queue_begin_[number]);
  }
  uint32_t queues() const { return static_cast<uint32_t>(queue_begin_.size() - 1); }
  std::span<const TaskDependency> dependencies(uint32_t task) const {
    return std::span(dependencies_)
        .subspan(dependency_begin_[task], dependency_begin_[task + 1] - dependency_begin_[task]);
  }

  // Returns an order in which every task comes after the one before it on its queue and after its dependencies. The
  // error names tasks of a cycle.
  Result<std::vector<uint32_t>> topological_order() const;
  // Hash of all tasks, queues and dependencies, equal on every machine. Equal digests mean equal graphs.
  uint64_t digest() const;

 private:
  friend class TaskGraphBuilder;

  std::vector<Task> tasks_;
  std::vector<uint32_t> queue_begin_ = {0};
  std::vector<uint32_t> queue_tasks_;
  std::vector<uint32_t> dependency_begin_ = {0};
  std::vector<TaskDependency> dependencies_;
};

// Collects tasks, in any order of ranks. A task joins the end of the queue of its rank and lane; sends and receives
// have one queue per peer, direction and side.
class TaskGraphBuilder {
 public:
  uint32_t add(Task task);
  uint32_t size() const { return static_cast<uint32_t>(tasks_.size()); }
  const Task& task(uint32_t number) const { return tasks_[number]; }
  void depend(uint32_t task, uint32_t from, int64_t delay_ns = 0);
  TaskGraph build() &&;

 private:
  std::vector<Task> tasks_;
  std::vector<std::pair<uint32_t, TaskDependency>> dependencies_;
  std::vector<std::vector<uint32_t>> queues_;
  std::vector<std::pair<uint64_t, uint32_t>> queue_numbers_;  // sorted by key
};

}  // namespace pipeloom
