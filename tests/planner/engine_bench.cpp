// The speed of the schedule level. Targets: 131,072 passes (1F1B, P=64, M=1024) generated and simulated in 5 ms; the
// makespan of a fixed order at 200 million passes per second, with causes and memory at 30 million; at most 64 bytes a
// pass; linear up to P=256, M=8192. One core.
#include <benchmark/benchmark.h>

#include "planner/schedules/schedule_table.h"
#include "planner/schedules/schedules.h"
#include "sim/engine/simulate.h"
#include "sim/engine/sweep.h"
#include "sim/report/idle_intervals.h"
#include "sim/report/memory.h"

namespace pipeloom::planner {
namespace {

ScheduleCosts costs_of(const Schedule& schedule) {
  const StageCost stage = StageCost::plain(1'000'000, 1'100'000, 900'000);
  return ScheduleCosts::uniform(schedule.stages(), schedule.ranks(), stage, {10'000, 0}).value();
}

Schedule schedule_of(const benchmark::State& state, Result<Schedule> (*generate)(const PipelineShape&)) {
  return generate({static_cast<int>(state.range(0)), static_cast<int>(state.range(1))}).value();
}

void set_passes(benchmark::State& state, const Schedule& schedule) {
  state.SetItemsProcessed(state.iterations() * schedule.passes());
}

void generate_and_simulate(benchmark::State& state) {
  const PipelineShape shape = {static_cast<int>(state.range(0)), static_cast<int>(state.range(1))};
  const ScheduleCosts costs = costs_of(one_f_one_b(shape).value());
  int64_t passes = 0;
  for (auto _ : state) {
    const Schedule schedule = one_f_one_b(shape).value();
    const Timeline timeline = sim::simulate(schedule, costs, {}).value();
    benchmark::DoNotOptimize(timeline.makespan_ns);
    passes = schedule.passes();
  }
  state.SetItemsProcessed(state.iterations() * passes);
}
BENCHMARK(generate_and_simulate)->Args({64, 1024})->Args({256, 8192})->Unit(benchmark::kMillisecond);

void makespan_of_a_fixed_order(benchmark::State& state, Result<Schedule> (*generate)(const PipelineShape&)) {
  const Schedule schedule = schedule_of(state, generate);
  const sim::Steps steps = sim::Steps::create(schedule, costs_of(schedule)).value();
  sim::SweepBuffers buffers;
  for (auto _ : state) benchmark::DoNotOptimize(sim::sweep_makespan(steps, buffers));
  set_passes(state, schedule);
}
BENCHMARK_CAPTURE(makespan_of_a_fixed_order, one_f_one_b, one_f_one_b)
    ->Args({8, 32})
    ->Args({64, 1024})
    ->Args({256, 8192})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(makespan_of_a_fixed_order, dualpipe, dualpipe)->Args({64, 1024})->Unit(benchmark::kMicrosecond);

void with_causes_and_memory(benchmark::State& state) {
  const Schedule schedule = schedule_of(state, one_f_one_b);
  const ScheduleCosts costs = costs_of(schedule);
  const sim::Steps steps = sim::Steps::create(schedule, costs).value();
  const MessageTable messages(schedule);
  const std::vector<ActivationSize> activations(schedule.stages(), ActivationSize{1'000'000, 500'000});
  for (auto _ : state) {
    const Timeline timeline = sim::sweep_timeline(schedule, steps);
    const sim::HandOvers hand_overs(schedule, costs, messages, timeline, P2pMode::kAsync);
    benchmark::DoNotOptimize(sim::idle_intervals(schedule, timeline, hand_overs).size());
    benchmark::DoNotOptimize(sim::peak_activations(schedule, activations).size());
  }
  set_passes(state, schedule);
}
BENCHMARK(with_causes_and_memory)->Args({64, 1024})->Unit(benchmark::kMillisecond);

// What the engine holds for a pass: the slot, its place in the topological order, its step, its output and its times.
void bytes_per_pass(benchmark::State& state) {
  const Schedule schedule = schedule_of(state, one_f_one_b);
  const sim::Steps steps = sim::Steps::create(schedule, costs_of(schedule)).value();
  for (auto _ : state) benchmark::DoNotOptimize(steps.outputs());
  const double bytes = static_cast<double>(schedule.slots().size_bytes() + schedule.topological_order().size_bytes() +
                                           steps.steps().size_bytes() + steps.outputs() * sizeof(int64_t) +
                                           schedule.slots().size() * 2 * sizeof(int64_t));
  state.counters["bytes_per_pass"] = bytes / static_cast<double>(schedule.passes());
}
BENCHMARK(bytes_per_pass)->Args({64, 1024});

// Every row of the table at the size of DeepSeek-V3's pipeline.
void generate(benchmark::State& state) {
  const NamedSchedule& named = named_schedules()[static_cast<size_t>(state.range(0))];
  state.SetLabel(std::string(named.name));
  const PipelineShape shape = {16, 120};
  const Placement placement = named.placement(shape).value();
  const StageCost stage = StageCost::plain(1'000, 1'200, 800);
  const ScheduleCosts costs = ScheduleCosts::uniform(placement.stages(), placement.ranks(), stage).value();
  for (auto _ : state) benchmark::DoNotOptimize(named.generate(shape, {costs}).has_value());
}
BENCHMARK(generate)->DenseRange(0, static_cast<int64_t>(named_schedules().size()) - 1)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace pipeloom::planner
