#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/schedule/schedule.h"
#include "core/tasks/task_graph.h"

namespace pipeloom::backend {

// A lowered task with what it works on.
struct RankTask {
  Task task;
  uint32_t number = 0;   // in the graph
  int pipe = -1;         // of the chunk; -1: of no chunk (optimizer)
  int stage = -1;        // of the chunk
  int micro_batch = -1;  // -1: of none
  int dependencies = 0;  // tasks of this rank that it waits for, beyond its queue
};

// "attention I of layer 3 for micro-batch 5", "receive of F of stage 2 for micro-batch 1 from rank 1".
std::string describe(const RankTask& task);

// What one rank does of a step: its queues, and which of its tasks wait for which. What comes from other ranks comes as
// messages. Immutable.
class RankProgram {
 public:
  // A task that waits for another, and for how long after its end.
  struct Dependent {
    uint32_t task = 0;
    int64_t delay_ns = 0;
  };
  // Whether the planned latency of links counts where a task waits for one of its own rank, as a slot does for a
  // blocking send: paced runs have no other link.
  enum class Latency : uint8_t { kReal, kPlanned };

  RankProgram(const Schedule& schedule, const TaskGraph& graph, int rank, Latency latency = Latency::kReal);

  int rank() const { return rank_; }
  std::span<const RankTask> tasks() const { return tasks_; }
  // Compute last: communication is started before the next computation begins.
  int queues() const { return static_cast<int>(queues_.size()); }
  std::span<const uint32_t> queue(int number) const { return queues_[number]; }
  // The tasks that wait for `task`.
  std::span<const Dependent> dependents(uint32_t task) const { return dependents_[task]; }

 private:
  int rank_;
  std::vector<RankTask> tasks_;
  std::vector<std::vector<uint32_t>> queues_;
  std::vector<std::vector<Dependent>> dependents_;  // [task]
};

}  // namespace pipeloom::backend
