#include "backend/runtime/training/train.h"

#include "backend/runtime/messages/meeting.h"
#include "backend/runtime/program/executor.h"
#include "backend/runtime/program/watchdog.h"
#include "backend/runtime/training/training_runner.h"
#include "backend/transport/threads.h"

namespace pipeloom::backend {

namespace {

// The steps of one rank on CPUs: an executor walks its tasks.
class TrainingSteps : public StepRunner {
 public:
  TrainingSteps(const Plan& plan, TrainingRunner& runner, Executor& executor)
      : plan_(plan), runner_(runner), executor_(executor) {}

  Result<int64_t> run_step(int64_t step) override {
    runner_.begin_step(step);
    PIPELOOM_RETURN_IF_ERROR(executor_.run_step());
    return 0;
  }
  std::optional<StepLosses> losses() override {
    const auto numbered = [&](const std::map<int, double>& losses) {
      return of_whole_batch(losses, runner_.rank().replica, plan_.job.micro_batches);
    };
    return StepLosses{numbered(runner_.losses()), numbered(runner_.mtp_losses())};
  }

 private:
  const Plan& plan_;
  TrainingRunner& runner_;
  Executor& executor_;
};

KeptRank kept_rank(const TrainingRun& run, int rank, TrainingRunner& runner) {
  const CheckpointIdentity identity = checkpoint_identity(run.plan, run.text, run.options.training, rank);
  const auto write = [identity, &runner](int64_t steps) { return write_checkpoint(identity, steps, runner.chunks()); };
  const auto read = [identity, &runner](const std::string& content, int64_t steps) {
    return read_checkpoint(content, identity, steps, runner.chunks());
  };
  return {rank, write, read};
}

}  // namespace

Result<RankResult> train_rank(const TrainingRun& run, Endpoint& endpoint) {
  const auto& [plan, graph, text, options] = run;
  const RankProgram program(plan.schedule, graph, RunRank::of(endpoint.rank(), plan.job.layout.pipeline).pipeline_rank);
  TrainingRunner runner(plan, program, text, options.training, endpoint);
  Heartbeat heartbeat;
  const Watchdog watchdog(heartbeat, endpoint, options.patience_ns);
  Executor executor(program, runner, endpoint, heartbeat, options.patience_ns);
  Meeting meeting(endpoint, meeting_patience_ns(options));
  const auto kept = [&] { return std::vector{kept_rank(run, endpoint.rank(), runner)}; };
  CheckpointKeeper checkpoints(options.checkpoints, kept, meeting, heartbeat);
  TrainingSteps training(plan, runner, executor);
  matrix_memory() = {};
  RankResult result;
  PIPELOOM_TRY(const ClockReading clock, meeting.read_clock());
  PIPELOOM_TRY(StepsResult steps, run_steps(plan.job, options, meeting, checkpoints, training));
  result.training.losses = std::move(steps.losses);
  result.training.mtp_losses = std::move(steps.mtp_losses);
  if (options.traced) {
    PIPELOOM_TRY(result.trace, collect_trace(meeting, clock, executor.spans(), steps.begin_ns, runner.rank().replica));
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
