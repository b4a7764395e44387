#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/tasks/task_graph.h"

namespace pipeloom::sim {

// Look-up tables of a task graph for an engine: who waits for a task, which queues a rank has, which tasks are members
// of one collective. Flat arrays, made once.
class TaskLanes {
 public:
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  struct Rank {
    uint32_t compute = kNone;  // queue numbers
    uint32_t ep = kNone;
    uint32_t dp = kNone;
  };

  // With more than one replica, tasks on the ep lane are collectives over the replicas.
  TaskLanes(const TaskGraph& graph, int replicas);

  int ranks() const { return static_cast<int>(ranks_.size()); }
  const Rank& rank(int32_t rank) const { return ranks_[rank]; }
  int32_t rank_of(uint32_t queue) const { return rank_of_queue_[queue]; }
  // Returns the queues whose tasks use the rank's NIC or NVLink: its own, and the sends of others to it.
  std::span<const uint32_t> transfers_at(int32_t rank) const { return transfers_[rank]; }

  std::span<const uint16_t> dependencies() const { return dependencies_; }  // [task] number of dependencies
  bool has_delay(uint32_t task) const { return has_delay_[task]; }
  std::span<const uint32_t> dependents(uint32_t task) const {
    return std::span(dependents_).subspan(dependent_begin_[task], dependent_begin_[task + 1] - dependent_begin_[task]);
  }

  uint32_t collective_of(uint32_t task) const { return collective_of_[task]; }
  uint32_t collectives() const { return static_cast<uint32_t>(member_begin_.size() - 1); }
  // Returns the queues of one replica in which a collective has members. members() counts them over all replicas.
  std::span<const uint32_t> queues_of(uint32_t collective) const {
    return std::span(member_queues_)
        .subspan(member_begin_[collective], member_begin_[collective + 1] - member_begin_[collective]);
  }
  uint32_t members(uint32_t collective) const {
    return static_cast<uint32_t>(queues_of(collective).size()) * replicas_;
  }

 private:
  void sort_queues(const TaskGraph& graph);
  void reverse_dependencies(const TaskGraph& graph);
  void number_collectives(const TaskGraph& graph);

  uint32_t replicas_;
  std::vector<Rank> ranks_;
  std::vector<int32_t> rank_of_queue_;
  std::vector<std::vector<uint32_t>> transfers_;  // [rank]
  std::vector<uint16_t> dependencies_;
  std::vector<bool> has_delay_;
  std::vector<uint32_t> dependent_begin_;
  std::vector<uint32_t> dependents_;
  std::vector<uint32_t> collective_of_;  // [task]
  std::vector<uint32_t> member_begin_ = {0};
  std::vector<uint32_t> member_queues_;
};

}  // namespace pipeloom::sim
