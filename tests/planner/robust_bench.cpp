// Target: 1,000 steps with scattering durations of P=16, M=64 in less than a second, the losses of every rank included.
#include <benchmark/benchmark.h>

#include "planner/schedules/zero_bubble.h"
#include "sim/cost/direct_costs.h"
#include "sim/robust/robustness.h"

namespace pipeloom::planner {
namespace {

void thousand_steps(benchmark::State& state) {
  Job job;
  job.costs = DirectCosts{{1'000'000}, {1'100'000}, {900'000}, {}, {}};
  job.layout.pipeline = 16;
  job.micro_batches = 64;
  job.variation = {.jitter = 0.05, .straggler_probability = 0.01, .straggler_slowdown = 1.5};
  job = make_job(std::move(job)).value();
  const Schedule schedule = zb_h1_quick({16, 64}).value();
  const StepCosts costs = sim::direct_step_costs(job, schedule.placement()).value();
  const sim::SampleOptions options = {.workers = static_cast<int>(state.range(0))};
  for (auto _ : state) benchmark::DoNotOptimize(sim::measure_robustness(job, schedule, costs, options)->p95_ns);
}
BENCHMARK(thousand_steps)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pipeloom::planner
