// How much longer paced steps of 8 ranks and 32 micro-batches last than the simulation of the same durations, 1 to 5 ms
// that the plan has not seen: on threads, and over MPI where that is built.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "backend/runtime/paced/pace.h"
#include "core/base/check.h"
#include "core/tasks/lower.h"
#include "planner/evaluate/evaluate.h"
#include "proto/plan/plan_io.h"
#include "sim/engine/task_sweep.h"

namespace pipeloom::backend {
namespace {

constexpr int kRanks = 8;
constexpr double kShare = 2.0 / 3;  // of 3 ms: 1 to 5 ms

Plan direct_plan(const char* schedule) {
  Job job;
  job.costs = DirectCosts{{3'000'000}, {3'000'000}, {3'000'000}, {}, {}};
  job.layout.pipeline = kRanks;
  job.micro_batches = 32;
  job = make_job(job).value();
  planner::Evaluation evaluation = planner::evaluate(job, *planner::find_schedule(schedule).value()).value();
  return make_plan(job, schedule, std::move(evaluation.schedule), std::move(evaluation.costs), 0, {});
}

TaskGraph with_durations(const TaskGraph& graph, const std::vector<int64_t>& durations_ns) {
  TaskGraphBuilder builder;
  for (uint32_t number = 0; number < graph.tasks().size(); ++number) {
    Task task = graph.tasks()[number];
    task.duration_ns = durations_ns[number];
    builder.add(task);
  }
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
    for (const TaskDependency& dependency : graph.dependencies(task)) {
      builder.depend(task, dependency.from, dependency.delay_ns);
    }
  }
  return std::move(builder).build();
}

struct Prediction {
  int64_t makespan_ns = 0;
  int64_t path_tasks = 0;  // on the critical path, of those that take time
};

// Back from the last task to end, always to one without which it would have begun earlier.
int64_t path_tasks(const TaskGraph& graph, const sim::TaskTimes& times) {
  std::vector<uint32_t> before(graph.tasks().size(), UINT32_MAX);  // on its queue
  for (uint32_t queue = 0; queue < graph.queues(); ++queue) {
    const auto tasks = graph.queue(queue);
    for (size_t i = 1; i < tasks.size(); ++i) before[tasks[i]] = tasks[i - 1];
  }
  auto task = static_cast<uint32_t>(std::ranges::max_element(times.end_ns) - times.end_ns.begin());
  int64_t count = 0;
  while (task != UINT32_MAX) {
    if (graph.tasks()[task].duration_ns > 0) ++count;
    uint32_t cause = UINT32_MAX;
    if (before[task] != UINT32_MAX && times.end_ns[before[task]] == times.start_ns[task]) cause = before[task];
    for (const TaskDependency& dependency : graph.dependencies(task)) {
      if (times.end_ns[dependency.from] + dependency.delay_ns == times.start_ns[task]) cause = dependency.from;
    }
    task = cause;
  }
  return count;
}

Prediction predict(const Plan& plan, uint64_t seed) {
  const TaskGraph planned = lower(plan);
  const TaskGraph graph = with_durations(planned, paced_durations(planned, kShare, seed));
  const sim::TaskTimes times = sim::sweep_tasks(graph).value();
  return {times.makespan_ns, path_tasks(graph, times)};
}

int64_t pace_as_threads(const Plan& plan, uint64_t seed) {
  const TaskGraph graph = lower(plan);
  const std::vector<int64_t> durations_ns = paced_durations(graph, kShare, seed);
  return std::ranges::max(pace_on_threads({plan, graph, durations_ns}).value().spans, {}, &Span::end_ns).end_ns;
}

int64_t pace_over_mpi(const Plan& plan, uint64_t seed) {
  const std::string path = std::filesystem::temp_directory_path() / fmt::format("pipeloom_bench_{}.plan", getpid());
  PIPELOOM_THROW_UNLESS(proto::write_plan(path, plan).has_value());
  const std::string command =
      fmt::format("mpirun --allow-run-as-root --oversubscribe -n {} {} {} --pace --vary {} --seed {} --steps 1 --json",
                  kRanks, PIPELOOM_RUN, path, 100 * kShare, seed);
  FILE* output = popen(command.c_str(), "r");
  PIPELOOM_THROW_UNLESS(output != nullptr);
  std::string text(1'000, '\0');
  text.resize(fread(text.data(), 1, text.size(), output));
  PIPELOOM_THROW_UNLESS(pclose(output) == 0);
  std::filesystem::remove(path);
  return nlohmann::json::parse(text).at("makespan_ns").get<int64_t>();
}

// percent_late: over the prediction. of_bound: the share of 1 % and 60 us for each task on the critical path.
void paced(benchmark::State& state, const char* schedule, int64_t (*pace)(const Plan&, uint64_t)) {
  const Plan plan = direct_plan(schedule);
  int64_t late_ns = 0;
  int64_t predicted_ns = 0;
  int64_t bound_ns = 0;
  uint64_t seed = 0;
  for (auto _ : state) {
    const Prediction prediction = predict(plan, ++seed);
    const int64_t executed_ns = pace(plan, seed);
    late_ns += executed_ns - prediction.makespan_ns;
    predicted_ns += prediction.makespan_ns;
    bound_ns += prediction.makespan_ns / 100 + 60'000 * prediction.path_tasks;
    state.SetIterationTime(static_cast<double>(executed_ns) / 1e9);
  }
  state.counters["percent_late"] = 100.0 * static_cast<double>(late_ns) / static_cast<double>(predicted_ns);
  state.counters["of_bound"] = static_cast<double>(late_ns) / static_cast<double>(bound_ns);
}

#define PIPELOOM_PACED(name, schedule) \
  BENCHMARK_CAPTURE(paced, name##_threads, schedule, pace_as_threads)->UseManualTime()->Unit(benchmark::kMillisecond)
PIPELOOM_PACED(one_f_one_b, "1f1b");
PIPELOOM_PACED(zb_v, "zb-v");
PIPELOOM_PACED(chimera, "chimera");
PIPELOOM_PACED(dualpipe, "dualpipe");
#ifdef PIPELOOM_WITH_MPI
#define PIPELOOM_PACED_MPI(name, schedule) \
  BENCHMARK_CAPTURE(paced, name##_mpi, schedule, pace_over_mpi)->UseManualTime()->Unit(benchmark::kMillisecond)
PIPELOOM_PACED_MPI(one_f_one_b, "1f1b");
PIPELOOM_PACED_MPI(zb_v, "zb-v");
PIPELOOM_PACED_MPI(chimera, "chimera");
PIPELOOM_PACED_MPI(dualpipe, "dualpipe");
#endif

}  // namespace
}  // namespace pipeloom::backend
