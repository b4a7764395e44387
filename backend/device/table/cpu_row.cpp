#include "backend/device/table/cpu_row.h"

#include "backend/runtime/messages/parameters_digest.h"
#include "backend/runtime/paced/pace.h"
#include "backend/runtime/training/memory_plan.h"
#include "backend/runtime/training/train.h"
#include "core/tasks/lower.h"

namespace pipeloom::backend {

namespace {

Status run_paced(const DeviceRun& run) {
  const DeviceRunOptions& options = run.options;
  const TaskGraph graph = lower(run.plan);
  const std::vector<int64_t> durations_ns = paced_durations(graph, options.varied_share, options.varied_seed);
  const PacedRun paced{run.plan, graph, durations_ns, options.steps, options.patience_ns};
  return run.ranks.start(run.plan.schedule.ranks(), [&](Endpoint& endpoint) -> Status {
    PIPELOOM_TRY(RunTrace trace, pace_rank(paced, endpoint));
    if (endpoint.rank() != 0) return {};
    DeviceRunResult result;
    result.trace = std::move(trace);
    return run.on_end(result);
  });
}

DeviceRunResult result_of(TrainingResult&& training, uint64_t parameters_digest) {
  DeviceRunResult result;
  result.losses = std::move(training.losses);
  result.mtp_losses = std::move(training.mtp_losses);
  result.expert_loads = std::move(training.expert_loads);
  result.averages_digest = training.averages_digest;
  result.parameters_digest = parameters_digest;
  return result;
}

Status run_sequentially(const DeviceRun& run) {
  const auto on_step = [&](const StepReport& report) {
    if (run.options.on_step) run.options.on_step(report);
    return !run.options.wants_stop || !run.options.wants_stop();
  };
  PIPELOOM_TRY(TrainingResult result,
               train_sequentially(run.plan.job, *run.text, run.options.steps, run.training, on_step));
  const uint64_t digest = parameters_digest(result.parameters);
  return run.on_end(result_of(std::move(result), digest));
}

Status train(const DeviceRun& run) {
  RunOptions options{run.options, run.training};
  const TaskGraph graph = lower(run.plan);
  const TrainingRun training{run.plan, graph, *run.text, options};
  PIPELOOM_TRY(
      const std::string warning,
      check_memory(run.plan, graph, run.training, run.ranks.ranks_here(training.ranks()), available_memory_bytes()));
  return run.ranks.start(training.ranks(), [&](Endpoint& endpoint) -> Status {
    const bool first = endpoint.rank() == 0;
    if (first && !warning.empty() && run.options.on_remark) run.options.on_remark("warning: " + warning);
    PIPELOOM_TRY(RankResult of_rank, train_rank(training, endpoint));
    if (!first) return {};
    DeviceRunResult result = result_of(std::move(of_rank.training), of_rank.parameters_digest);
    result.trace = std::move(of_rank.trace);
    return run.on_end(result);
  });
}

Status run_on_cpus(const DeviceRun& run) {
  if (run.options.paced) return run_paced(run);
  return run.sequential ? run_sequentially(run) : train(run);
}

}  // namespace

DeviceKind cpu_row() {
  DeviceKind row;
  row.name = "cpu";
  row.what = "CPUs";
  row.abilities = {Ability::kCheckMode, Ability::kSequential, Ability::kVariedPace, Ability::kPacedProcesses};
  row.why_not_here = [] { return std::string(); };
  row.check_job = check_trainable;
  row.run = run_on_cpus;
  return row;
}

}  // namespace pipeloom::backend
