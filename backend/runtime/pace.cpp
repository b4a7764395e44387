#include "backend/runtime/pace.h"

#include <sys/prctl.h>

#include "backend/runtime/executor.h"
#include "backend/runtime/meeting.h"
#include "backend/runtime/paced_runner.h"
#include "backend/transport/threads.h"

namespace pipeloom {

namespace {

// Linux lets a thread oversleep by 50 us by default, as long as a short task lasts.
void sleep_precisely() {
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

}  // namespace

std::vector<int64_t> planned_durations(const TaskGraph& graph) {
  std::vector<int64_t> durations_ns;
  for (const Task& task : graph.tasks()) durations_ns.push_back(task.duration_ns);
  return durations_ns;
}

Result<std::vector<Span>> pace_rank(const PacedRun& run, Endpoint& endpoint) {
  sleep_precisely();
  const RankProgram program(run.plan.schedule, run.graph, endpoint.rank());
  PacedRunner runner(run.plan, program, run.durations_ns, endpoint);
  Executor executor(program, runner, endpoint, run.patience_ns);
  Meeting meeting(endpoint, run.patience_ns);
  PIPELOOM_CHECK_OK(meeting.agree_on_plan(run.plan.task_digest));
  std::vector<Span> spans;
  for (int64_t step = 0; step < run.steps; ++step) {
    PIPELOOM_TRY(const int64_t begin_ns, meeting.meet());
    runner.begin_step(step);
    PIPELOOM_CHECK_OK(executor.run_step());
    spans = executor.spans();
    for (Span& span : spans) {
      span.begin_ns -= begin_ns;
      span.end_ns -= begin_ns;
    }
  }
  return meeting.spans(spans);
}

Result<std::vector<Span>> pace_on_threads(const PacedRun& run) {
  std::vector<Span> spans;
  PIPELOOM_CHECK_OK(run_on_threads(run.plan.schedule.ranks(), [&](Endpoint& endpoint) -> Status {
    PIPELOOM_TRY(std::vector<Span> found, pace_rank(run, endpoint));
    if (endpoint.rank() == 0) spans = std::move(found);
    return {};
  }));
  return spans;
}

}  // namespace pipeloom
