#include "backend/runtime/paced/pace.h"

#include <sys/prctl.h>

#include <random>

#include "backend/runtime/messages/meeting.h"
#include "backend/runtime/paced/paced_runner.h"
#include "backend/runtime/program/executor.h"
#include "backend/transport/threads.h"

namespace pipeloom::backend {

namespace {

// Linux lets a thread oversleep by 50 us by default, as long as a short task lasts.
void sleep_precisely() {
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

}  // namespace

std::vector<int64_t> paced_durations(const TaskGraph& graph, double share, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<int64_t> durations_ns;
  for (const Task& task : graph.tasks()) {
    const double draw = static_cast<double>(random()) / static_cast<double>(std::mt19937_64::max());
    const double factor = task.lane == Lane::kCompute ? 1 + share * (2 * draw - 1) : 1;
    durations_ns.push_back(static_cast<int64_t>(factor * static_cast<double>(task.duration_ns)));
  }
  return durations_ns;
}

Result<RunTrace> pace_rank(const PacedRun& run, Endpoint& endpoint) {
  sleep_precisely();
  Meeting meeting(endpoint, run.patience_ns);
  PIPELOOM_TRY(const ClockReading clock, meeting.read_clock());
  const RankProgram program(run.plan.schedule, run.graph, endpoint.rank(), RankProgram::Latency::kPlanned);
  PacedRunner runner(run.plan, program, run.durations_ns, endpoint, clock.ahead_ns);
  Heartbeat heartbeat;
  Executor executor(program, runner, endpoint, heartbeat, run.patience_ns);
  int64_t begin_ns = 0;
  for (int64_t step = 0; step < run.steps; ++step) {
    PIPELOOM_TRY(begin_ns, meeting.meet());
    runner.begin_step(step);
    PIPELOOM_RETURN_IF_ERROR(executor.run_step());
  }
  return collect_trace(meeting, clock, executor.spans(), begin_ns, 0);
}

Result<RunTrace> pace_on_threads(const PacedRun& run) {
  RunTrace trace;
  PIPELOOM_RETURN_IF_ERROR(run_on_threads(run.plan.schedule.ranks(), [&](Endpoint& endpoint) -> Status {
    PIPELOOM_TRY(RunTrace found, pace_rank(run, endpoint));
    if (endpoint.rank() == 0) trace = std::move(found);
    return {};
  }));
  return trace;
}

}  // namespace pipeloom::backend
