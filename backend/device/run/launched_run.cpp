#include "backend/device/run/launched_run.h"

#include <fmt/format.h>

#include <algorithm>

namespace pipeloom::backend {

std::string name_of_task(const std::vector<LaunchedRank>& ranks, uint32_t number) {
  for (const LaunchedRank& rank : ranks) {
    const auto task = std::ranges::find(rank.program->tasks(), number, &RankTask::number);
    if (task == rank.program->tasks().end()) continue;
    return ranks.size() == 1 ? describe(*task) : fmt::format("rank {}: {}", task->task.key.rank, describe(*task));
  }
  return "a task";
}

void LaunchedRun::begin_step(int64_t step, StreamHandle stream) {
  for (const LaunchedRank& rank : ranks_) {
    if (rank.launcher) rank.launcher->begin_step(step, stream);
  }
}

Result<int64_t> LaunchedRun::run_step(int64_t step) {
  PIPELOOM_TRY(const int64_t step_ns, steps_.run([&](StreamHandle stream) { begin_step(step, stream); }));
  step_ns_.push_back(step_ns);
  for (const LaunchedRank& rank : ranks_) {
    if (rank.launcher) PIPELOOM_RETURN_IF_ERROR(rank.launcher->step_ended());
  }
  // Ranks of several processes report what all of them took.
  return meeting_.ranks() == 1 ? step_ns : 0;
}

std::optional<StepLosses> LaunchedRun::losses() {
  StepLosses all;
  for (const LaunchedRank& rank : ranks_) {
    if (!rank.launcher) return std::nullopt;
    const TaskLauncher::Losses own = rank.launcher->losses();
    all.main.merge(of_whole_batch(own.main, rank.rank.replica, run_.plan.job.micro_batches));
    all.mtp.merge(of_whole_batch(own.mtp, rank.rank.replica, run_.plan.job.micro_batches));
  }
  return all;
}

// The device's numbers pass through chunks as CPUs have them.
KeptRank LaunchedRun::kept_rank(const LaunchedRank& rank) const {
  const int number = rank.rank.number(run_.plan.job.layout.pipeline);
  const CheckpointIdentity identity = run_.launchers.identity(number);
  TaskLauncher& launcher = *rank.launcher;
  const auto write = [identity, &launcher](int64_t steps) {
    TaskLauncher::HostChunks chunks = launcher.host_chunks();
    launcher.save(chunks);
    return write_checkpoint(identity, steps, chunks);
  };
  const auto read = [identity, &launcher](const std::string& content, int64_t steps) -> Status {
    const TaskLauncher::HostChunks chunks = launcher.host_chunks();
    PIPELOOM_RETURN_IF_ERROR(read_checkpoint(content, identity, steps, chunks));
    launcher.restore(chunks);
    return {};
  };
  return {number, write, read};
}

// The device's times count from the begin of its step, which this process knows on its own clock. Times of a process
// that has all ranks stay as they are; those of several count from where their ranks have met.
Result<RunTrace> LaunchedRun::trace_step(std::string& traced_by) {
  PIPELOOM_TRY(const ClockReading clock, meeting_.read_clock());
  PIPELOOM_TRY(const int64_t met_ns, meeting_.meet());
  const int replica = ranks_.front().rank.replica;
  PIPELOOM_TRY(LaunchedSteps::Traced traced,
               steps_.run_traced([&](StreamHandle stream) { begin_step(run_.options.steps, stream); }, replica));
  for (Span& span : traced.spans) {
    span.begin_ns += traced.begin_ns;
    span.end_ns += traced.begin_ns;
  }
  traced_by = std::move(traced.by);
  const int64_t begin_ns = meeting_.ranks() == 1 ? traced.begin_ns : met_ns;
  return collect_trace(meeting_, clock, std::move(traced.spans), begin_ns, replica);
}

Status LaunchedRun::run(DeviceRunResult& result) {
  const Plan& plan = run_.plan;
  const bool trains = !run_.options.paced;
  const auto kept = [&] {
    std::vector<KeptRank> kept_ranks;
    for (const LaunchedRank& rank : ranks_) {
      if (rank.launcher) kept_ranks.push_back(kept_rank(rank));
    }
    return kept_ranks;
  };
  Heartbeat unwatched;  // steps on a device have a deadline of their own
  CheckpointKeeper checkpoints(run_.options.checkpoints, kept, meeting_, unwatched);
  PIPELOOM_TRY(StepsResult steps, run_steps(plan.job, run_.options, meeting_, checkpoints, *this));
  result.losses = std::move(steps.losses);
  result.mtp_losses = std::move(steps.mtp_losses);
  result.step_ns = std::move(step_ns_);
  if (trains) {
    ExpertCounts counts;
    for (const LaunchedRank& rank : ranks_) add_counts(rank.launcher->expert_counts(), counts);
    PIPELOOM_TRY(result.expert_loads, meeting_.expert_loads(counts));
  }
  if (run_.options.traced) {
    PIPELOOM_TRY(result.trace, trace_step(result.traced_by));
  }
  if (trains && plan.job.ema_decay > 0) {
    uint64_t digest = 0;
    for (const LaunchedRank& rank : ranks_) digest += rank.launcher->averages_digest();
    PIPELOOM_TRY(result.averages_digest, meeting_.sum(digest));
  }
  result.how = steps_.how();
  return {};
}

}  // namespace pipeloom::backend
