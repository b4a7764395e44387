#include "tests/sim/engine/moe_costs.h"

#include "sim/cost/layer_costs.h"
#include "sim/cost/overlap_costs.h"

namespace pipeloom::tests {

namespace {

// Makes two MoE layers per stage on two lanes, with times that differ by stage.
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

}  // namespace

StepCosts moe_costs(const Schedule& schedule) {
  std::vector<StageProgram> programs;
  for (int stage = 0; stage < schedule.stages(); ++stage) programs.push_back(moe_program(stage));
  // Compute slows down beside all-to-all.
  std::vector<sim::OverlapStage> stages;
  for (const StageProgram& program : programs) {
    stages.push_back({program, {slowed(program, 13), slowed(program, 11)}});
  }
  sim::OverlapCosts overlap = sim::overlap_costs(programs, stages, sim::usual_order);
  ScheduleCosts::Input input;
  for (int stage = 0; stage < schedule.stages(); ++stage) {
    const sim::PassTimes times = sim::sum_of(programs[stage]);
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

}  // namespace pipeloom::tests
