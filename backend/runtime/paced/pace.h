#pragma once

#include <span>
#include <vector>

#include "backend/runtime/messages/run_trace.h"
#include "backend/transport/endpoint.h"
#include "core/tasks/plan.h"
#include "core/tasks/task_graph.h"

namespace pipeloom::backend {

// A plan whose tasks only take time.
struct PacedRun {
  const Plan& plan;
  const TaskGraph& graph;
  std::span<const int64_t> durations_ns;  // [task of the graph]
  int64_t steps = 1;
  int64_t patience_ns = 60'000'000'000;
};

// The tasks' own durations; those of computation each up to `share` of them longer or shorter, drawn by `seed`.
std::vector<int64_t> paced_durations(const TaskGraph& graph, double share = 0, uint64_t seed = 0);

// Of the last step.
Result<RunTrace> pace_rank(const PacedRun& run, Endpoint& endpoint);
Result<RunTrace> pace_on_threads(const PacedRun& run);

}  // namespace pipeloom::backend
