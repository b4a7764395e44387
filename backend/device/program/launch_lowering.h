#pragma once

#include <cstdint>
#include <vector>

#include "backend/device/program/launch_program.h"
#include "core/base/result.h"
#include "core/tasks/plan.h"
#include "core/tasks/task_graph.h"

namespace pipeloom::backend {

// How hand-overs between ranks and members of collectives find each other.
enum class Transfers : uint8_t {
  // All ranks are on one device, and one thread issues for all: a send copies into the receiver's memory, a member of a
  // collective reads and writes the others', and events order everything. No kernel ever waits for another.
  kCopies,
  // Each rank has a device of its own: sends, receives and collectives wait for the other side by themselves (NCCL),
  // and
  // events order one rank's streams.
  kMessages,
};

struct LaunchRules {
  Transfers transfers = Transfers::kCopies;
  int rank = 0;                               // kMessages: whose tasks are launched; kCopies launches every rank's
  std::vector<std::vector<uint32_t>> groups;  // kMessages: tasks that are launched together, a rank's in their order
};

// The task graph that launches follow: the plan's, where a send also waits for a free buffer of its receiver. The same
// tasks by the same numbers.
TaskGraph launch_graph(const Plan& plan);

// With blocking P2P the sends and receives of each of the rank's batches (core/schedule/batches.h); else none. `graph`
// is the plan's.
std::vector<std::vector<uint32_t>> launch_groups(const Plan& plan, const TaskGraph& graph, int rank);

// Streams, launches and the waits that they need: every task starts after those that it depends on in `graph` have
// ended. No wait is redundant: what a stream knows from earlier waits it does not wait for again. Launches are issued
// by the time at which they could start if nothing but `graph` held them up, so that no stream gets far ahead. Fails
// where tasks wait for each other. Pure. O(tasks * streams).
Result<LaunchProgram> lower_launches(const TaskGraph& graph, const LaunchRules& rules);

}  // namespace pipeloom::backend
