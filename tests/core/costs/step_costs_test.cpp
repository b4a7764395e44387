#include "core/costs/step_costs.h"

#include <gtest/gtest.h>

namespace pipeloom {
namespace {

StepCosts good() {
  const StageCost stage = StageCost::plain(1, 1, 1);
  StepCosts costs{.schedule = ScheduleCosts::uniform(2, 2, stage).value()};
  costs.programs.assign(2, {{0, Component::kStage, Lane::kCompute, 1, 1, 1}});
  costs.activations.assign(2, ActivationSize{10, 5});
  costs.states.assign(2, StageState{1, 2, 3});
  costs.communication.assign(2, StageCommunication{});
  costs.gradient_reduction_ns.assign(2, 1);
  costs.optimizer_ns.assign(2, 1);
  return costs;
}

TEST(StepCosts, RefusesEachFieldThatSumsCouldNotBear) {
  EXPECT_TRUE(check_step_costs(good(), 2).has_value());
  struct Case {
    void (*spoil)(StepCosts&);
    const char* message;
  };
  const Case cases[] = {
      {[](auto& costs) { costs.programs.pop_back(); }, "programs has 1 entries; 2 are needed"},
      {[](auto& costs) { costs.programs[1].clear(); }, "programs: a stage has no component"},
      {[](auto& costs) { costs.programs[1][0].input_ns = -1; },
       "programs.input_ns is -1; allowed are 0 to 1125899906842624"},
      {[](auto& costs) { costs.activations[0].kept_for_weight = -1; },
       "activations.kept_for_weight is -1; allowed are 0 to 1125899906842624"},
      {[](auto& costs) { costs.states[0].gradients_bytes = -5; },
       "states.gradients_bytes is -5; allowed are 0 to 1125899906842624"},
      {[](auto& costs) { costs.communication.clear(); }, "communication has 0 entries; 2 are needed"},
      {[](auto& costs) { costs.pair_hidden_ns = {1}; }, "pair_hidden_ns has 1 entries; 4 are needed"},
      {[](auto& costs) { costs.gradient_reduction_ns[1] = -1; },
       "gradient_reduction_ns is -1; allowed are 0 to 1125899906842624"},
      {[](auto& costs) { costs.optimizer_ns.pop_back(); }, "optimizer_ns has 1 entries; 2 are needed"},
      {[](auto& costs) { costs.reserve.workspace_bytes = -1; },
       "reserve.workspace_bytes is -1; allowed are 0 to 1125899906842624"},
      {[](auto& costs) { costs.temporaries = {{}}; }, "temporaries has 1 entries; 2 are needed"},
      {[](auto& costs) {
         costs.temporaries = {{-1}, {}};
       },
       "temporaries.backward_bytes is -1; allowed are 0 to 1125899906842624"},
      {[](auto& costs) {
         costs.temporaries = {{}, {0, -1}};
       },
       "temporaries.embedding_bytes is -1; allowed are 0 to 1125899906842624"},
      {[](auto& costs) {
         costs.temporaries = {{}, {0, 0, -1}};
       },
       "temporaries.step_bytes is -1; allowed are 0 to 1125899906842624"},
      {[](auto& costs) {
         costs.temporaries = {{}, {0, 0, 0, -1}};
       },
       "temporaries.layer_bytes is -1; allowed are 0 to 1125899906842624"},
      {[](auto& costs) { costs.dummy_gradients_bytes = {-1}; },
       "dummy_gradients_bytes is -1; allowed are 0 to 1125899906842624"},
  };
  for (const Case& one : cases) {
    StepCosts costs = good();
    one.spoil(costs);
    const auto status = check_step_costs(costs, 2);
    ASSERT_FALSE(status.has_value()) << one.message;
    EXPECT_EQ(status.error().message, one.message);
  }
}

}  // namespace
}  // namespace pipeloom
