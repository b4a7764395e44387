// The whole step of DeepSeek-V3 at component level: from the plan to the end of the optimizer, contention included.
#include <benchmark/benchmark.h>

#include "core/tasks/lower.h"
#include "planner/evaluate/evaluate.h"
#include "sim/cost/lowered_loads.h"
#include "sim/engine/simulate_tasks.h"
#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

// range(0): members of the expert-parallel group that are simulated one by one.
void whole_step_of_deepseek_v3(benchmark::State& state) {
  const Job job = tests::deepseek_v3_job();
  const Evaluation evaluation = evaluate(job, *find_schedule("dualpipe").value()).value();
  const int replicas = static_cast<int>(state.range(0));
  int64_t tasks = 0;
  for (auto _ : state) {
    const TaskGraph graph = lower(evaluation.schedule, evaluation.costs, step_rules(job));
    const sim::TaskLoads loads = sim::task_loads(job, evaluation.schedule, evaluation.costs, graph);
    state.counters["step_s"] =
        static_cast<double>(sim::simulate_tasks(graph, loads, {replicas, {}})->makespan_ns) * 1e-9;
    tasks = static_cast<int64_t>(graph.tasks().size()) * replicas;
  }
  state.counters["tasks"] = static_cast<double>(tasks);
  state.SetItemsProcessed(state.iterations() * tasks);
}
BENCHMARK(whole_step_of_deepseek_v3)->Arg(1)->Arg(64)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pipeloom::planner
