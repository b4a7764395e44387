// An order that some rank does not keep ends in a clear error, never in wrong numbers.
#include <gtest/gtest.h>

#include "backend/runtime/training/train.h"
#include "core/tasks/lower.h"
#include "tests/backend/runtime/plans.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

Plan a_plan() {
  return tests::plan_with(tests::training_job(tests::tiny_dense(), 2, 4), "1f1b").value();
}

// `graph` with its tasks given to `change` in their order, each either kept, changed or moved to the end.
template <typename Change>
TaskGraph changed(const TaskGraph& graph, const Change& change) {
  TaskGraphBuilder builder;
  std::vector<uint32_t> order;
  for (uint32_t queue = 0; queue < graph.queues(); ++queue) {
    std::vector<uint32_t> tasks(graph.queue(queue).begin(), graph.queue(queue).end());
    change(graph, tasks);
    order.insert(order.end(), tasks.begin(), tasks.end());
  }
  std::vector<uint32_t> numbers(graph.tasks().size());
  for (const uint32_t task : order) numbers[task] = builder.add(graph.tasks()[task]);
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
    for (const TaskDependency& dependency : graph.dependencies(task)) {
      builder.depend(numbers[task], numbers[dependency.from], dependency.delay_ns);
    }
  }
  return std::move(builder).build();
}

Result<TrainingResult> run(const Plan& plan, const TaskGraph& graph) {
  const TextTokens text = TextTokens::create(tests::some_text(), plan.job.batch, plan.job.model->vocabulary).value();
  RunOptions options;
  options.training.check = true;
  options.patience_ns = 300'000'000;
  return train_on_threads({plan, graph, text, options});
}

bool is(const TaskGraph& graph, const std::vector<uint32_t>& queue, TaskKind kind, int rank) {
  const TaskKey& key = graph.tasks()[queue.front()].key;
  return key.kind == kind && key.rank == rank;
}

TEST(Sabotage, TheSameTasksInTheirOrderRun) {
  const Plan plan = a_plan();
  const TaskGraph graph = changed(lower(plan), [](const TaskGraph&, std::vector<uint32_t>&) {});
  EXPECT_TRUE(run(plan, graph).has_value());
}

TEST(Sabotage, SwappedSendsAreNoticedByTheReceiver) {
  const Plan plan = a_plan();
  const TaskGraph graph = changed(lower(plan), [](const TaskGraph& tasks, std::vector<uint32_t>& queue) {
    if (is(tasks, queue, TaskKind::kSend, 0)) std::swap(queue[0], queue[1]);
  });
  const auto result = run(plan, graph);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message,
            "rank 1 expected a message of step 0, stage 1, micro-batch 0, layer 0 from rank 0, and got one of step 0, "
            "stage 1, micro-batch 1, layer 0: the ranks don't follow the same order");
}

TEST(Sabotage, SwappedReceivesAreNoticed) {
  const Plan plan = a_plan();
  const TaskGraph graph = changed(lower(plan), [](const TaskGraph& tasks, std::vector<uint32_t>& queue) {
    if (is(tasks, queue, TaskKind::kReceive, 0)) std::swap(queue[1], queue[2]);
  });
  const auto result = run(plan, graph);
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("don't follow the same order"), std::string::npos) << result.error().message;
}

TEST(Sabotage, ASlotThatRunsTooEarlyIsStuckAndNamed) {
  const Plan plan = a_plan();
  // The last stage's first backward before its forward.
  const TaskGraph graph = changed(lower(plan), [](const TaskGraph& tasks, std::vector<uint32_t>& queue) {
    const auto& first = tasks.tasks()[queue.front()];
    if (first.key.rank == 1 && first.lane == Lane::kCompute) std::reverse(queue.begin(), queue.begin() + 12);
  });
  const auto result = run(plan, graph);
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("nothing ended for 0.3 s"), std::string::npos) << result.error().message;
}

// `graph` without what `drops` says.
template <typename DropsTask, typename DropsDependency>
TaskGraph without(const TaskGraph& graph, const DropsTask& drops_task, const DropsDependency& drops_dependency) {
  TaskGraphBuilder builder;
  std::vector<uint32_t> numbers(graph.tasks().size());
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
    if (!drops_task(graph.tasks()[task])) numbers[task] = builder.add(graph.tasks()[task]);
  }
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
    if (drops_task(graph.tasks()[task])) continue;
    for (const TaskDependency& dependency : graph.dependencies(task)) {
      const Task& from = graph.tasks()[dependency.from];
      if (!drops_task(from) && !drops_dependency(from)) {
        builder.depend(numbers[task], numbers[dependency.from], dependency.delay_ns);
      }
    }
  }
  return std::move(builder).build();
}

bool is_receive(const Task& task) {
  return task.key.kind == TaskKind::kReceive;
}

TEST(Sabotage, ADroppedReceiveEndsTheRun) {
  const Plan plan = a_plan();
  const TaskGraph graph = without(lower(plan), is_receive, [](const Task& /*task*/) { return false; });
  EXPECT_THROW(static_cast<void>(run(plan, graph)), std::logic_error);
}

// Whether what is no longer waited for comes in time is chance; wrong numbers are none of the outcomes.
TEST(Sabotage, DroppedDependenciesEndTheRunOrChangeNoBit) {
  const Plan plan = a_plan();
  const TaskGraph whole = lower(plan);
  const TaskGraph graph = without(
      whole, [](const Task& /*task*/) { return false; }, is_receive);
  const TrainingResult expected = run(plan, whole).value();
  try {
    const auto result = run(plan, graph);
    EXPECT_TRUE(!result || *result == expected);
  } catch (const std::logic_error&) {
  }
}

}  // namespace
}  // namespace pipeloom::backend
