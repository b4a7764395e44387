#include "sim/engine/task_sweep.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/lowering/lower.h"
#include "core/lowering/slot_components.h"
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

// How long a slot's components take if nothing contends: the longest path over its lanes and chains.
int64_t slot_duration(const Slot& slot, const std::vector<StageProgram>& programs) {
  int64_t lane_ns[2] = {0, 0};
  int64_t forward_ns = 0;
  int64_t input_ns = 0;
  for (const SlotComponent& part : slot_components(slot, programs)) {
    int64_t& lane = lane_ns[part.cost.lane == Lane::kCompute ? 0 : 1];
    int64_t& chain = part.pass == SlotKind::kF ? forward_ns : input_ns;
    const int64_t end = std::max(lane, chain) + part.duration_ns;
    lane = end;
    if (part.pass != SlotKind::kW) chain = end;
  }
  return std::max(lane_ns[0], lane_ns[1]);
}

StepCosts component_costs(const Schedule& schedule) {
  std::vector<StageProgram> programs;
  for (int stage = 0; stage < schedule.stages(); ++stage) programs.push_back(moe_program(stage));
  ScheduleCosts::Input input;
  for (int stage = 0; stage < schedule.stages(); ++stage) {
    input.stages.push_back(StageCost::plain(
        slot_duration(Slot::forward(stage, 0), programs), slot_duration(Slot::input_backward(stage, 0), programs),
        slot_duration(Slot::weight_backward(stage, 0), programs), slot_duration(Slot::backward(stage, 0), programs)));
  }
  for (int f = 0; f < schedule.stages(); ++f) {
    for (int b = 0; b < schedule.stages(); ++b) {
      input.pairs.push_back(PairCost::plain(slot_duration(Slot::pair(f, 0, b, 1), programs)));
    }
  }
  input.links = {LinkCost{6, 0}};
  StepCosts costs{.layers_per_stage = {},
                  .programs = programs,
                  .schedule = ScheduleCosts::create(schedule.stages(), schedule.ranks(), input).value()};
  costs.gradient_reduction_ns.assign(schedule.stages(), 17);
  costs.optimizer_ns.assign(schedule.stages(), 5);
  return costs;
}

TEST(TaskSweep, ComponentsAndSlotsGiveTheSameStep) {
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    const StepCosts costs = component_costs(schedule);
    const Timeline timeline = simulate(schedule, costs.schedule, {}).value();
    const TaskGraph graph = lower(schedule, costs);
    const TaskTimes times = sweep_tasks(graph).value();
    int64_t last_component_ns = 0;
    for (size_t task = 0; task < graph.tasks().size(); ++task) {
      if (graph.tasks()[task].key.kind == TaskKind::kComponent) {
        last_component_ns = std::max(last_component_ns, times.end_ns[task]);
      }
    }
    EXPECT_EQ(last_component_ns, timeline.makespan_ns);
    EXPECT_EQ(times.makespan_ns, step_end(schedule, timeline, costs).step_ns);
  }
}

}  // namespace
}  // namespace pipeloom
