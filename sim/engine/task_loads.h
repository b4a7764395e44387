#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tasks/task_graph.h"
#include "sim/engine/simulate_slot.h"

namespace pipeloom::sim {

// A share of what a GPU's NIC or its NVLink port can carry in one direction, in 2^-20.
using LinkShare = uint32_t;
inline constexpr LinkShare kWholeLink = 1 << 20;

// How long a task takes, and what it does to others meanwhile.
struct TaskLoad {
  int64_t alone_ns = 0;
  // Of a compute task, if that ran beside it all the time; at least alone_ns.
  int64_t beside_ns[2] = {0, 0};                     // [AllToAllKernel]
  int64_t beside_waiting_ns = 0;                     // a kernel that holds its SMs and waits for its peers
  AllToAllKernel kernel = AllToAllKernel::kCombine;  // that a communication task is
  // Of a communication task that runs at its full speed. Sends take them out of the sender and into the receiver, the
  // others out of and into their own GPU.
  LinkShare nic = 0;
  LinkShare nvlink = 0;

  // Slowed by nothing.
  static TaskLoad alone(int64_t ns) { return {ns, {ns, ns}, ns, AllToAllKernel::kCombine, 0, 0}; }
  bool operator==(const TaskLoad&) const = default;
};

// Of every task of a graph; many tasks share one.
struct TaskLoads {
  std::vector<TaskLoad> loads;
  std::vector<uint32_t> of_task;  // [task] into `loads`

  const TaskLoad& of(uint32_t task) const { return loads[of_task[task]]; }
};

// The durations that the graph says, nothing slowed by anything.
TaskLoads uncontended_loads(const TaskGraph& graph);

}  // namespace pipeloom::sim
