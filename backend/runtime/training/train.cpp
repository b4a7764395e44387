#include "backend/runtime/training/train.h"

#include <bit>

#include "backend/runtime/messages/meeting.h"
#include "backend/runtime/program/executor.h"
#include "backend/runtime/program/watchdog.h"
#include "backend/runtime/training/checkpoint_keeper.h"
#include "backend/runtime/training/training_runner.h"
#include "backend/transport/threads.h"
#include "core/base/digest.h"

namespace pipeloom::backend {

namespace {

// By micro-batch of the whole batch: replica after replica, as the sequential run counts them.
std::map<int64_t, double> numbered(const std::map<int, double>& losses, int replica, int micro_batches) {
  std::map<int64_t, double> result;
  for (const auto& [micro_batch, loss] : losses) result[int64_t{replica} * micro_batches + micro_batch] = loss;
  return result;
}

// Ranks meet between steps, where each waits for the slowest: longer than for any one task.
constexpr int64_t kMeetingPatience = 2;

}  // namespace

Result<RankResult> train_rank(const TrainingRun& run, Endpoint& endpoint) {
  const auto& [plan, graph, text, options] = run;
  const RankProgram program(plan.schedule, graph, RunRank::of(endpoint.rank(), plan.job.layout.pipeline).pipeline_rank);
  TrainingRunner runner(plan, program, text, options.training, endpoint);
  Heartbeat heartbeat;
  const Watchdog watchdog(heartbeat, endpoint, options.patience_ns);
  Executor executor(program, runner, endpoint, heartbeat, options.patience_ns);
  Meeting meeting(endpoint, kMeetingPatience * options.patience_ns);
  CheckpointKeeper checkpoints(options.checkpoints, checkpoint_identity(plan, text, options.training, endpoint.rank()),
                               meeting, heartbeat);
  const double loss_scale = part_shape(plan.job, 0).loss_scale;
  matrix_memory() = {};
  RankResult result;
  int64_t begin_ns = 0;
  PIPELOOM_RETURN_IF_ERROR(meeting.agree_on_plan(plan.task_digest));
  PIPELOOM_TRY(const ClockReading clock, meeting.read_clock());
  PIPELOOM_TRY(const int64_t done, checkpoints.resume(runner.chunks()));
  for (int64_t step = done; step < options.steps; ++step) {
    PIPELOOM_TRY(begin_ns, meeting.meet());
    runner.begin_step(step);
    PIPELOOM_RETURN_IF_ERROR(executor.run_step());
    PIPELOOM_TRY(const double loss_sum,
                 meeting.sum_losses(numbered(runner.losses(), runner.rank().replica, plan.job.micro_batches)));
    result.training.losses.push_back(loss_sum * loss_scale);
    if (plan.job.model->mtp_depth > 0) {
      PIPELOOM_TRY(const double mtp_sum,
                   meeting.sum_losses(numbered(runner.mtp_losses(), runner.rank().replica, plan.job.micro_batches)));
      result.training.mtp_losses.push_back(mtp_sum * mtp_loss_scale(plan.job));
    }
    if (endpoint.rank() == 0 && options.on_step) {
      const TrainingResult& training = result.training;
      options.on_step({step, training.losses.back(), steady_now_ns() - begin_ns, last_of(training.mtp_losses)});
    }
    PIPELOOM_RETURN_IF_ERROR(checkpoints.step_ended(step + 1, runner.chunks()));
  }
  if (options.traced) {
    PIPELOOM_TRY(result.trace, collect_trace(meeting, clock, executor.spans(), begin_ns, runner.rank().replica));
  }
  result.peak_activation_bytes = matrix_memory().peak_bytes;
  result.peak_kept_bytes = runner.peak_kept_bytes();
  PIPELOOM_TRY(result.training.expert_loads, meeting.expert_loads(runner.expert_counts()));
  if (plan.job.ema_decay > 0) {
    runner.end_averages();
    PIPELOOM_TRY(result.training.averages_digest, meeting.sum(runner.averages_digest()));
  }
  for (const auto& chunk : runner.chunks()) copy_parameters(chunk->state(), result.training.parameters);
  PIPELOOM_TRY(result.parameters_digest, meeting.digest(result.training.parameters));
  return result;
}

Result<TrainingResult> train_on_threads(const TrainingRun& run) {
  std::vector<TrainingResult> results(run.ranks());
  PIPELOOM_RETURN_IF_ERROR(run_on_threads(run.ranks(), [&](Endpoint& endpoint) -> Status {
    PIPELOOM_TRY(RankResult result, train_rank(run, endpoint));
    results[endpoint.rank()] = std::move(result.training);
    return {};
  }));
  TrainingResult whole;
  whole.losses = results[0].losses;
  whole.mtp_losses = results[0].mtp_losses;
  whole.expert_loads = results[0].expert_loads;
  whole.averages_digest = results[0].averages_digest;
  for (TrainingResult& part : results) whole.parameters.merge(part.parameters);
  return whole;
}

}  // namespace pipeloom::backend
