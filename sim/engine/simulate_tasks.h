#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/tasks/task_graph.h"
#include "sim/engine/task_loads.h"
#include "sim/engine/task_sweep.h"

namespace pipeloom::sim {

// Which replicas of the graph run at once: the members of an expert-parallel group, whose all-to-all tasks are
// collectives and start when the last member is there. One replica stands for all where they are alike.
struct ReplicaRuns {
  static constexpr uint32_t kUnscaled = 1 << 16;

  int count = 1;
  // [replica][task] how much longer than its load a task takes, in 2^-16; empty: all kUnscaled.
  std::span<const uint32_t> scale = {};
};

// When each task runs, [replica][task], if tasks slow each other down:
// * a compute task while a kernel of the all-to-all or of a gradient reduction is on its GPU, waiting or running;
// * transfers (all-to-all, sends, reductions) while they ask more of a NIC or an NVLink port than it can carry: each
//   then gets its share of what all of them ask;
// * the members of a collective hold their lane and their SMs until the last of them is there.
// Event driven in exact integers: same input, same times. O(tasks log lanes).
// Fails where tasks wait for each other in a cycle.
Result<TaskTimes> simulate_tasks(const TaskGraph& graph, const TaskLoads& loads, const ReplicaRuns& replicas = {});

}  // namespace pipeloom::sim
