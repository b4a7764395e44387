#include "sim/engine/task_sweep.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/lowering/lower.h"
#include "sim/cost/layer_costs.h"
#include "sim/cost/overlap_costs.h"
#include "sim/engine/simulate.h"
#include "sim/engine/step_end.h"
#include "tests/support/references.h"

namespace pipeloom {
namespace {

// Two layers per stage on two lanes, as a MoE model has them, with times that differ by stage.
StageProgram moe_program(int stage) {
  StageProgram program;
  for (int layer = 2 * stage; layer < 2 * stage + 2; ++layer) {
    program.push_back({layer, Component::kAttention, Lane::kCompute, 40 + stage, 70, 20});
    program.push_back({layer, Component::kDispatch, Lane::kEp, 30, 35 + stage, 0});
    program.push_back({layer, Component::kExperts, Lane::kCompute, 50, 45, 40});
    program.push_back({layer, Component::kCombine, Lane::kEp, 25, 20, 0});
  }
  return program;
}

StageProgram slowed(StageProgram program, int64_t tenths) {
  for (ComponentCost& part : program) {
    for (int64_t* ns : {&part.forward_ns, &part.input_ns, &part.weight_ns}) *ns = *ns * tenths / 10;
  }
  return program;
}

StepCosts component_costs(const Schedule& schedule) {
  std::vector<StageProgram> programs;
  for (int stage = 0; stage < schedule.stages(); ++stage) programs.push_back(moe_program(stage));
  // Compute slows down beside all-to-all.
  std::vector<OverlapStage> stages;
  for (const StageProgram& program : programs) {
    stages.push_back({program, {slowed(program, 13), slowed(program, 11)}});
  }
  OverlapCosts overlap = overlap_costs(programs, stages, figure4_order);
  ScheduleCosts::Input input;
  for (int stage = 0; stage < schedule.stages(); ++stage) {
    const PassTimes times = sum_of(programs[stage]);
    input.stages.push_back(StageCost::plain(times.forward_ns, times.input_ns, times.weight_ns));
    input.stages.back().backward = overlap.backward[stage];
  }
  input.pairs = std::move(overlap.pairs);
  input.links = {LinkCost{6, 0}};
  StepCosts costs{.layers_per_stage = {},
                  .programs = programs,
                  .overlap = std::move(overlap.programs),
                  .schedule = ScheduleCosts::create(schedule.stages(), schedule.ranks(), input).value()};
  costs.gradient_reduction_ns.assign(schedule.stages(), 17);
  costs.optimizer_ns.assign(schedule.stages(), 5);
  return costs;
}

// Schedule level and component level, where they agree on the schedule at all.
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
    EXPECT_TRUE(expect_same_step(schedule, component_costs(schedule), {}));
  }
}

// Where batches wait for each other, both levels say so.
TEST(TaskSweep, ComponentsAndSlotsGiveTheSameStepWithBlockingP2p) {
  int ran = 0;
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    ran += expect_same_step(schedule, component_costs(schedule), {P2pMode::kBlocking, Clipping::kNone}) ? 1 : 0;
  }
  EXPECT_GE(ran, 20);
}

TEST(TaskSweep, ComponentsAndSlotsGiveTheSameStepWithClipping) {
  for (const Clipping clipping : {Clipping::kGlobal, Clipping::kValidated}) {
    for (const Schedule& schedule : tests::small_reference_schedules()) {
      StepCosts costs = component_costs(schedule);
      costs.norm_ns = 13;
      EXPECT_TRUE(expect_same_step(schedule, costs, {P2pMode::kAsync, clipping}));
    }
  }
}

}  // namespace
}  // namespace pipeloom
