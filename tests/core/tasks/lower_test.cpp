#include "core/tasks/lower.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/orders.h"
#include "tests/support/references.h"

namespace pipeloom {
namespace {

StepCosts plain_costs(const Schedule& schedule, int64_t f_ns = 10) {
  ScheduleCosts::Input input;
  input.stages.assign(schedule.stages(), StageCost::plain(f_ns, 10, 10));
  input.links = {LinkCost{3, 0}};
  StepCosts costs{.layers_per_stage = {},
                  .programs = std::vector<StageProgram>(
                      schedule.stages(), StageProgram{{0, Component::kStage, Lane::kCompute, f_ns, 10, 10}}),
                  .schedule = ScheduleCosts::create(schedule.stages(), schedule.ranks(), input).value()};
  costs.gradient_reduction_ns.assign(schedule.stages(), 5);
  costs.optimizer_ns.assign(schedule.stages(), 2);
  return costs;
}

Schedule two_ranks() {
  return Schedule::create(Placement::linear(2).value(), 2, tests::parse_orders("0: F0 F1 B0 B1\n1: F0 B0 F1 B1"))
      .value();
}

int64_t count(const TaskGraph& graph, TaskKind kind) {
  return std::count_if(graph.tasks().begin(), graph.tasks().end(),
                       [&](const Task& task) { return task.key.kind == kind; });
}

TEST(Lower, MakesEveryTaskOfTheStepOnce) {
  const Schedule schedule = two_ranks();
  const TaskGraph graph = lower(schedule, plain_costs(schedule));
  EXPECT_EQ(count(graph, TaskKind::kComponent), 2 * 2 * 3);  // ranks x micro-batches x (F, I, W)
  EXPECT_EQ(count(graph, TaskKind::kSend), 4);
  EXPECT_EQ(count(graph, TaskKind::kReceive), 4);
  EXPECT_EQ(count(graph, TaskKind::kGradientReduction), 2);
  EXPECT_EQ(count(graph, TaskKind::kOptimizer), 2);
}

TEST(Lower, KeysNameEachTaskOnce) {
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    const TaskGraph graph = lower(schedule, plain_costs(schedule));
    std::set<TaskKey> keys;
    for (const Task& task : graph.tasks()) keys.insert(task.key);
    EXPECT_EQ(keys.size(), graph.tasks().size());
  }
}

TEST(Lower, BothCopiesOfAStageReduceTogetherAfterTheirLastW) {
  const Schedule schedule = tests::reference_schedule(tests::reference_orders("chimera").front()).value();
  const TaskGraph graph = lower(schedule, plain_costs(schedule));
  std::set<int> members;
  for (const Task& task : graph.tasks()) {
    if (task.key.kind == TaskKind::kGradientReduction && task.collective == 0) members.insert(task.key.rank);
  }
  EXPECT_EQ(members.size(), static_cast<size_t>(schedule.placement().pipes()));
}

// True if the reduction of `stage` on `rank` waits for a component of the other rank.
bool reduction_waits_for_rank(const TaskGraph& graph, int stage, int rank, int other) {
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
    const TaskKey& key = graph.tasks()[task].key;
    if (key.kind != TaskKind::kGradientReduction || key.layer != stage || key.rank != rank) continue;
    const auto dependencies = graph.dependencies(task);
    return std::any_of(dependencies.begin(), dependencies.end(), [&](const TaskDependency& dependency) {
      const TaskKey& from = graph.tasks()[dependency.from].key;
      return from.kind == TaskKind::kComponent && from.rank == other;
    });
  }
  return false;
}

TEST(Lower, TheEndsReduceASharedEmbeddingTogether) {
  const Schedule schedule = two_ranks();
  StepCosts costs = plain_costs(schedule);
  EXPECT_FALSE(reduction_waits_for_rank(lower(schedule, costs), 1, 1, 0));
  costs.shares_embedding = true;
  EXPECT_TRUE(reduction_waits_for_rank(lower(schedule, costs), 1, 1, 0));
  EXPECT_TRUE(reduction_waits_for_rank(lower(schedule, costs), 0, 0, 1));
}

TEST(Lower, OnlyTheOptimizerWaitsForTheMovingAverage) {
  const Schedule schedule = two_ranks();
  StepCosts costs = plain_costs(schedule);
  costs.ema_ns = {4, 6};
  const TaskGraph graph = lower(schedule, costs);
  EXPECT_EQ(count(graph, TaskKind::kEma), 2);
  int waiting = 0;
  for (uint32_t task = 0; task < graph.tasks().size(); ++task) {
    const Task& own = graph.tasks()[task];
    if (own.key.kind == TaskKind::kEma) {
      EXPECT_EQ(own.lane, Lane::kHost);
      EXPECT_EQ(own.duration_ns, own.key.rank == 0 ? 4 : 6);
      EXPECT_TRUE(graph.dependencies(task).empty());
    }
    for (const TaskDependency& dependency : graph.dependencies(task)) {
      if (graph.tasks()[dependency.from].key.kind != TaskKind::kEma) continue;
      EXPECT_EQ(own.key.kind, TaskKind::kOptimizer);
      ++waiting;
    }
  }
  EXPECT_EQ(waiting, 2);
}

TEST(Lower, TheDigestChangesWithOrderAndCosts) {
  const Schedule schedule = two_ranks();
  const Schedule other =
      Schedule::create(Placement::linear(2).value(), 2, tests::parse_orders("0: F0 F1 B0 B1\n1: F0 F1 B0 B1")).value();
  const uint64_t digest = lower(schedule, plain_costs(schedule)).digest();
  EXPECT_EQ(lower(schedule, plain_costs(schedule)).digest(), digest);
  EXPECT_NE(lower(other, plain_costs(other)).digest(), digest);
  EXPECT_NE(lower(schedule, plain_costs(schedule, 11)).digest(), digest);
}

TEST(CheckDigest, RefusesAPlanWhoseTasksDiffer) {
  const Schedule schedule = two_ranks();
  Plan plan = make_plan({}, "1f1b", schedule, plain_costs(schedule), 0, {});
  EXPECT_TRUE(check_digest(plan).has_value());
  plan.task_digest ^= 1;
  EXPECT_NE(check_digest(plan).error().message.find("was changed or damaged"), std::string::npos);
  plan.lowering_version = kLoweringVersion + 1;
  EXPECT_NE(check_digest(plan).error().message.find("plan it again"), std::string::npos);
}

TEST(TaskGraph, NamesTheTasksOfACycle) {
  TaskGraphBuilder builder;
  Task task;
  const uint32_t first = builder.add(task);
  task.key.rank = 1;
  const uint32_t second = builder.add(task);
  builder.depend(first, second);
  builder.depend(second, first);
  const auto order = std::move(builder).build().topological_order();
  ASSERT_FALSE(order.has_value());
  EXPECT_EQ(order.error().message,
            "tasks wait for each other in a cycle: stage of layer 0 (F) in slot -1 of rank 0; "
            "stage of layer 0 (F) in slot -1 of rank 1");
}

}  // namespace
}  // namespace pipeloom
