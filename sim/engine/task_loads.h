#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tasks/task_graph.h"
#include "sim/engine/simulate_slot.h"

namespace pipeloom::sim {

// A share of what a GPU's NIC or NVLink port can carry in one direction, in 2^-20.
using LinkShare = uint32_t;
inline constexpr LinkShare kWholeLink = 1 << 20;

// How long a task takes, and what it asks of others while it runs.
struct TaskLoad {
  int64_t alone_ns = 0;
  // Compute tasks: time if this kernel ran beside it all the time; at least alone_ns.
  int64_t beside_ns[2] = {0, 0};                     // [AllToAllKernel]
  int64_t beside_waiting_ns = 0;                     // time beside a kernel that holds its SMs and waits for its peers
  AllToAllKernel kernel = AllToAllKernel::kCombine;  // communication tasks: the kernel that they are
  // Communication tasks: shares asked at full speed. A send takes them out of the sender and into the receiver, other
  // tasks out of and into their own GPU.
  LinkShare nic = 0;
  LinkShare nvlink = 0;

  // Makes a load that nothing slows.
  static TaskLoad alone(int64_t ns) { return {ns, {ns, ns}, ns, AllToAllKernel::kCombine, 0, 0}; }
  bool operator==(const TaskLoad&) const = default;
};

// The load of every task of a graph; many tasks share one.
struct TaskLoads {
  std::vector<TaskLoad> loads;
  std::vector<uint32_t> of_task;  // [task] index into `loads`

  const TaskLoad& of(uint32_t task) const { return loads[of_task[task]]; }
};

// Returns the graph's own durations, slowed by nothing.
TaskLoads uncontended_loads(const TaskGraph& graph);

}  // namespace pipeloom::sim
