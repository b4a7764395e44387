// The cost of a job: the whole table of DeepSeek-V3 in under 10 ms, and one measured iteration predicted from its job.
#include <benchmark/benchmark.h>

#include "planner/evaluate/partition.h"
#include "planner/validate/iterations.h"
#include "proto/job/gpu_files.h"
#include "sim/cost/job_costs.h"
#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

void costs_of_deepseek_v3(benchmark::State& state) {
  const Job job = tests::deepseek_v3_job();
  const Placement placement = Placement::bidirectional(16, 1).value();
  const std::vector<int> layers = partitions(job, placement)->front();
  for (auto _ : state) benchmark::DoNotOptimize(sim::step_costs(job, placement, layers)->schedule.stages());
}
BENCHMARK(costs_of_deepseek_v3)->Unit(benchmark::kMillisecond);

void predict_an_iteration(benchmark::State& state) {
  const Gpu gpu = proto::find_gpu("A100-80GB").value();
  const MeasuredIteration measured = {"multi-node", 512, 1536, 2, 8192, 64, 48, 2048, 8, 4, 16, 15.6394};
  for (auto _ : state) benchmark::DoNotOptimize(predicted_seconds(measured, gpu).value());
}
BENCHMARK(predict_an_iteration)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pipeloom::planner
