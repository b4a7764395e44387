#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/tasks/task_graph.h"
#include "sim/engine/task_loads.h"
#include "sim/engine/task_sweep.h"

namespace pipeloom::sim {

// The replicas of the graph that run at once: members of an expert-parallel group, whose all-to-all tasks are
// collectives and start when the last member is there. One replica stands for all if they are alike.
struct ReplicaRuns {
  static constexpr uint32_t kUnscaled = 1 << 16;

  int count = 1;
  // [replica][task] Factor by which a task takes longer than its load, in 2^-16; empty: all kUnscaled.
  std::span<const uint32_t> scale = {};
};

// Returns when each task runs, [replica][task], if tasks slow each other down:
// * A kernel of the all-to-all or of a gradient reduction slows the compute task on its GPU, whether it runs or waits.
// * Transfers (all-to-all, sends, reductions) that ask more of a NIC or an NVLink port than it can carry each get a
// share in proportion to what they ask.
// * Members of a collective hold their lane and their SMs until the last of them is there.
// Event driven in exact integers: same input, same times. O(tasks log lanes). Fails if tasks wait for each other in a
// cycle.
Result<TaskTimes> simulate_tasks(const TaskGraph& graph, const TaskLoads& loads, const ReplicaRuns& replicas = {});

}  // namespace pipeloom::sim
