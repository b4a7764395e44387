#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/device/program/launch_program.h"
#include "core/tasks/task_graph.h"
#include "core/tasks/trace.h"

namespace pipeloom::backend {

// When something that a task launched ran, on the clock of whoever measured it.
struct KernelRecord {
  uint32_t task = 0;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

// The spans of one step's tasks from what they launched, in times from `step_begin_ns`: a task lasts from the begin of
// its first kernel to the end of its last. What launched nothing ends when all that it waits for has: a task alone with
// its waits, or a receive whose message the sender has put into place. Members of a batch (Launch::tasks) share their
// kernels. A task is issued when the one before it on its queue has ended; it names the task of its rank that it got
// last, where that is later. Rank after rank, by their begin.
std::vector<Span> spans_of_kernels(const TaskGraph& graph, const LaunchProgram& program,
                                   std::span<const KernelRecord> records, int64_t step_begin_ns, int replica);

}  // namespace pipeloom::backend
