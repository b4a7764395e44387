#pragma once

#include "backend/model/training.h"
#include "backend/runtime/messages/run_trace.h"
#include "backend/runtime/training/step_loop.h"
#include "backend/transport/endpoint.h"
#include "core/tasks/plan.h"
#include "core/tasks/task_graph.h"

namespace pipeloom::backend {

struct RunOptions : StepOptions {
  TrainingOptions training;
};

// A plan, ready to run: its tasks, and what they train on. REQUIRES: check_trainable(plan.job).
struct TrainingRun {
  const Plan& plan;
  const TaskGraph& graph;  // lower(plan)
  const TextTokens& text;
  const RunOptions& options;

  int ranks() const { return plan.job.layout.pipeline * plan.job.layout.data; }
};

// What a rank has when the run has ended.
struct RankResult {
  TrainingResult training;            // the losses of all steps that this run did; this rank's parameters
  uint64_t parameters_digest = 0;     // of all ranks' parameters, on rank 0
  int64_t peak_activation_bytes = 0;  // of this rank, messages included
  int64_t peak_kept_bytes = 0;        // of that, TrainingRunner::peak_kept_bytes
  RunTrace trace;                     // of the last step, if traced
};

// What one rank does, whatever carries its messages.
Result<RankResult> train_rank(const TrainingRun& run, Endpoint& endpoint);

// All ranks as threads of this process.
Result<TrainingResult> train_on_threads(const TrainingRun& run);

}  // namespace pipeloom::backend
