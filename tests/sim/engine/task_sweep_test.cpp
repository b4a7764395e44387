#include "sim/engine/task_sweep.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/tasks/lower.h"
#include "sim/engine/simulate.h"
#include "sim/engine/step_end.h"
#include "tests/sim/engine/moe_costs.h"
#include "tests/support/references.h"

namespace pipeloom::sim {
namespace {

// Expects the same step at schedule level and at component level. Returns false if both refuse the schedule.
bool expect_same_step(const Schedule& schedule, const StepCosts& costs, const StepRules& rules) {
  const auto timeline = simulate(schedule, costs.schedule, {rules.p2p, 0});
  const TaskGraph graph = lower(schedule, costs, rules);
  const auto times = sweep_tasks(graph);
  EXPECT_EQ(timeline.has_value(), times.has_value());
  if (!timeline || !times) return false;
  int64_t last_component_ns = 0;
  for (size_t task = 0; task < graph.tasks().size(); ++task) {
    if (graph.tasks()[task].key.kind == TaskKind::kComponent) {
      last_component_ns = std::max(last_component_ns, times->end_ns[task]);
    }
  }
  EXPECT_EQ(last_component_ns, timeline->makespan_ns);
  EXPECT_EQ(times->makespan_ns, step_end(schedule, *timeline, costs, rules.clipping).step_ns);
  return true;
}

TEST(TaskSweep, ComponentsAndSlotsGiveTheSameStep) {
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    EXPECT_TRUE(expect_same_step(schedule, tests::moe_costs(schedule), {}));
  }
}

// If batches wait for each other, both levels say so.
TEST(TaskSweep, ComponentsAndSlotsGiveTheSameStepWithBlockingP2p) {
  int ran = 0;
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    ran += expect_same_step(schedule, tests::moe_costs(schedule), {P2pMode::kBlocking, Clipping::kNone}) ? 1 : 0;
  }
  EXPECT_GE(ran, 20);
}

TEST(TaskSweep, ComponentsAndSlotsGiveTheSameStepWithClipping) {
  for (const Clipping clipping : {Clipping::kGlobal, Clipping::kValidated}) {
    for (const Schedule& schedule : tests::small_reference_schedules()) {
      StepCosts costs = tests::moe_costs(schedule);
      costs.norm_ns = 13;
      EXPECT_TRUE(expect_same_step(schedule, costs, {P2pMode::kAsync, clipping}));
    }
  }
}

}  // namespace
}  // namespace pipeloom::sim
