#pragma once

#include <functional>

#include "backend/model/training.h"
#include "backend/transport/endpoint.h"
#include "core/plan.h"
#include "core/task_graph.h"
#include "core/trace_sink.h"

namespace pipeloom {

// What rank 0 learns when a step has ended.
struct StepReport {
  int64_t step = 0;  // from 0
  double loss = 0;   // mean over the tokens of the step
  int64_t time_ns = 0;
};

struct RunOptions {
  TrainingOptions training;
  int64_t steps = 1;
  int64_t patience_ns = 60'000'000'000;  // nothing ends for so long: hung. Longer than any single task
  std::function<void(const StepReport&)> on_step;
  TraceSink* trace = nullptr;  // gets the spans of replica 0 in the last step
};

// A plan, ready to run: its tasks, and what they train on.
struct TrainingRun {
  const Plan& plan;
  const TaskGraph& graph;  // lower(plan.schedule, plan.costs)
  const TextTokens& text;
  const RunOptions& options;
};

// What one rank does in a run: its part of the parameters, and every step's loss.
Result<TrainingResult> train_rank(const TrainingRun& run, Endpoint& endpoint, std::vector<Span>& last_spans);

// All ranks as threads of this process. Refuses what it can't train; fails where the copies of a parameter differ at
// the end.
Result<TrainingResult> train_on_threads(const TrainingRun& run);

}  // namespace pipeloom
