// What the runtime costs, with tasks that do nothing.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "backend/runtime/paced/pace.h"
#include "core/tasks/lower.h"
#include "planner/evaluate/evaluate.h"

namespace pipeloom::backend {
namespace {

Plan direct_plan(const char* schedule, int ranks, int micro_batches) {
  Job job;
  job.costs = DirectCosts{{2'000'000}, {2'500'000}, {1'500'000}, {}, {}};
  job.layout.pipeline = ranks;
  job.micro_batches = micro_batches;
  job = make_job(job).value();
  planner::Evaluation evaluation = planner::evaluate(job, *planner::find_schedule(schedule).value()).value();
  return make_plan(job, schedule, std::move(evaluation.schedule), std::move(evaluation.costs), 0, {});
}

int64_t makespan_ns(const std::vector<Span>& spans) {
  return std::ranges::max(spans, {}, &Span::end_ns).end_ns;
}

// The time of a step over the tasks of one rank. With one rank nothing is waited for; with several, ranks wait for each
// other's messages all the time.
void task_overhead(benchmark::State& state) {
  const auto ranks = static_cast<int>(state.range(0));
  const Plan plan = direct_plan("1f1b", ranks, 256);
  const TaskGraph graph = lower(plan);
  const std::vector<int64_t> nothing(graph.tasks().size(), 0);
  int64_t executed_ns = 0;
  for (auto _ : state) {
    const int64_t step_ns = makespan_ns(pace_on_threads({plan, graph, nothing}).value().spans);
    state.SetIterationTime(static_cast<double>(step_ns) / 1e9);
    executed_ns += step_ns;
  }
  const double tasks = static_cast<double>(graph.tasks().size()) * static_cast<double>(state.iterations()) / ranks;
  state.counters["us_per_task"] = static_cast<double>(executed_ns) / 1e3 / tasks;
}
BENCHMARK(task_overhead)->Arg(1)->Arg(2)->Arg(4)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pipeloom::backend
