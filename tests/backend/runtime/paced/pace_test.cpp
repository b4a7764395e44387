#include "backend/runtime/paced/pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "core/tasks/lower.h"
#include "sim/engine/task_sweep.h"
#include "tests/backend/runtime/plans.h"

namespace pipeloom::backend {
namespace {

Plan direct_plan(const char* schedule, int ranks, int micro_batches, P2pMode mode = P2pMode::kAsync) {
  Job job;
  job.costs = DirectCosts{{1'000'000}, {1'500'000}, {1'000'000}, {}, {}};
  job.p2p.latency_ns = 200'000;
  job.p2p.mode = mode;
  job.layout.pipeline = ranks;
  job.micro_batches = micro_batches;
  return tests::plan_with(make_job(job).value(), schedule).value();
}

// `graph` with each task up to `percent` longer or shorter.
TaskGraph perturbed(const TaskGraph& graph, int percent, uint64_t seed) {
  std::mt19937_64 random(seed);
  TaskGraphBuilder builder;
  for (Task task : graph.tasks()) {
    task.duration_ns = task.duration_ns * (100 - percent + static_cast<int64_t>(random() % (2 * percent + 1))) / 100;
    builder.add(task);
  }
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
    for (const TaskDependency& dependency : graph.dependencies(task)) {
      builder.depend(task, dependency.from, dependency.delay_ns);
    }
  }
  return std::move(builder).build();
}

class Paced : public testing::TestWithParam<const char*> {};

// A loose bound: a test machine is busy with other things. The benchmark measures.
TEST_P(Paced, LastsAsLongAsTheSimulationOfTheSameDurations) {
  const Plan plan = direct_plan(GetParam(), 4, 8);
  const TaskGraph graph = perturbed(lower(plan), 30, 1);
  const std::vector<int64_t> durations_ns = paced_durations(graph);
  const auto trace = pace_on_threads({plan, graph, durations_ns, 1, 20'000'000'000});
  ASSERT_TRUE(trace.has_value()) << trace.error().message;
  EXPECT_EQ(trace->spans.size(), graph.tasks().size());
  const int64_t predicted_ns = sim::sweep_tasks(graph).value().makespan_ns;
  const int64_t executed_ns = std::ranges::max(trace->spans, {}, &Span::end_ns).end_ns;
  EXPECT_GE(executed_ns, predicted_ns);
  EXPECT_LT(executed_ns, predicted_ns * 3);
}

// Runs the plan, and holds every task against its duration and what it has to wait for.
void expect_times_and_waits(const Plan& plan) {
  const TaskGraph graph = lower(plan);
  const std::vector<int64_t> durations_ns = paced_durations(graph);
  const auto spans = pace_on_threads({plan, graph, durations_ns, 2, 20'000'000'000}).value().spans;
  std::map<TaskKey, Span> by_key;
  for (const Span& span : spans) by_key[span.key] = span;
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
    const Span& span = by_key.at(graph.tasks()[task].key);
    EXPECT_GE(span.end_ns - span.begin_ns, graph.tasks()[task].duration_ns);
    const bool receive = span.key.kind == TaskKind::kReceive;
    for (const TaskDependency& dependency : graph.dependencies(task)) {
      const Span& from = by_key.at(graph.tasks()[dependency.from].key);
      // A receive is posted early and ends when its message has been under way for the link's latency. A member of a
      // reduction may start before the others, a blocking send before its receive.
      if (receive) {
        EXPECT_GE(span.end_ns, from.begin_ns + durations_ns[dependency.from] + dependency.delay_ns);
      } else if (from.key.rank == span.key.rank) {
        EXPECT_GE(span.begin_ns, from.end_ns + dependency.delay_ns);
      } else {
        EXPECT_GE(span.end_ns - durations_ns[task], from.end_ns);
      }
    }
  }
}

TEST_P(Paced, EveryTaskTakesItsTimeAndWaitsForWhatItNeeds) {
  expect_times_and_waits(direct_plan(GetParam(), 4, 8));
}

TEST(PacedBlocking, BothRanksOfATransferWaitForIt) {
  expect_times_and_waits(direct_plan("1f1b", 4, 8, P2pMode::kBlocking));
  expect_times_and_waits(direct_plan("gpipe", 4, 8, P2pMode::kBlocking));
}

INSTANTIATE_TEST_SUITE_P(, Paced, testing::Values("1f1b", "zb-v", "chimera", "dualpipe"), [](const auto& tested) {
  std::string name = tested.param;
  std::ranges::replace(name, '-', '_');
  return "row_" + name;
});

}  // namespace
}  // namespace pipeloom::backend
