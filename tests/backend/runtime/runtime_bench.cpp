// What the runtime costs: with tasks that do nothing, and how far paced runs are from the simulation of their
// durations.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>

#include "backend/runtime/pace.h"
#include "core/lowering/lower.h"
#include "planner/evaluate.h"
#include "sim/engine/task_sweep.h"

namespace pipeloom {
namespace {

Plan direct_plan(const char* schedule, int ranks, int micro_batches) {
  Job job;
  job.costs = DirectCosts{{2'000'000}, {2'500'000}, {1'500'000}, {}, {}};
  job.layout.pipeline = ranks;
  job.micro_batches = micro_batches;
  job = make_job(job).value();
  Evaluation evaluation = evaluate(job, *find_schedule(schedule).value()).value();
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

// Durations of 1 to 5 ms that the plan has not seen.
TaskGraph perturbed(const TaskGraph& graph, uint64_t seed) {
  std::mt19937_64 random(seed);
  TaskGraphBuilder builder;
  for (Task task : graph.tasks()) {
    if (task.lane == Lane::kCompute) task.duration_ns = 1'000'000 + static_cast<int64_t>(random() % 4'000'001);
    builder.add(task);
  }
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
    for (const TaskDependency& dependency : graph.dependencies(task)) {
      builder.depend(task, dependency.from, dependency.delay_ns);
    }
  }
  return std::move(builder).build();
}

void paced_error(benchmark::State& state, const char* schedule) {
  const Plan plan = direct_plan(schedule, 8, 32);
  const TaskGraph lowered = lower(plan);
  int64_t executed_ns = 0;
  int64_t predicted_ns = 0;
  uint64_t seed = 0;
  for (auto _ : state) {
    const TaskGraph graph = perturbed(lowered, ++seed);
    const std::vector<int64_t> durations_ns = planned_durations(graph);
    const auto spans = pace_on_threads({plan, graph, durations_ns}).value().spans;
    executed_ns += makespan_ns(spans);
    predicted_ns += sweep_tasks(graph).value().makespan_ns;
    state.SetIterationTime(static_cast<double>(makespan_ns(spans)) / 1e9);
  }
  state.counters["error_percent"] =
      100.0 * static_cast<double>(executed_ns - predicted_ns) / static_cast<double>(predicted_ns);
}
BENCHMARK_CAPTURE(paced_error, one_f_one_b, "1f1b")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(paced_error, zb_v, "zb-v")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(paced_error, chimera, "chimera")->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(paced_error, dualpipe, "dualpipe")->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pipeloom
