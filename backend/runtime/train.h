#pragma once

#include <functional>

#include "backend/model/training.h"
#include "backend/runtime/checkpoint.h"
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
  int64_t steps = 1;                     // in all, those before a checkpoint included
  int64_t patience_ns = 60'000'000'000;  // nothing ends for so long: hung. Longer than any single task
  std::function<void(const StepReport&)> on_step;
  TraceSink* trace = nullptr;  // gets the spans of replica 0 in the last step
  CheckpointOptions checkpoints;
};

// A plan, ready to run: its tasks, and what they train on. REQUIRES: check_trainable(plan.job).
struct TrainingRun {
  const Plan& plan;
  const TaskGraph& graph;  // lower(plan.schedule, plan.costs)
  const TextTokens& text;
  const RunOptions& options;

  int ranks() const { return plan.job.layout.pipeline * plan.job.layout.data; }
};

// What a rank has when the run has ended.
struct RankResult {
  TrainingResult training;         // the losses of all steps that this run did; this rank's parameters
  uint64_t parameters_digest = 0;  // of all ranks' parameters, on rank 0
};

// What one rank does, whatever carries its messages.
Result<RankResult> train_rank(const TrainingRun& run, Endpoint& endpoint);

// All ranks as threads of this process.
Result<TrainingResult> train_on_threads(const TrainingRun& run);

}  // namespace pipeloom
