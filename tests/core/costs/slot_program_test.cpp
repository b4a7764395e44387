#include "core/costs/slot_program.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace pipeloom {
namespace {

StageProgram moe_layers(int first, int count) {
  StageProgram program;
  for (int layer = first; layer < first + count; ++layer) {
    program.push_back({layer, Component::kAttention, Lane::kCompute, 1, 1, 1});
    program.push_back({layer, Component::kDispatch, Lane::kEp, 1, 1, 0});
    program.push_back({layer, Component::kExperts, Lane::kCompute, 1, 1, 1});
    program.push_back({layer, Component::kCombine, Lane::kEp, 1, 1, 0});
  }
  return program;
}

std::string text(const SlotProgram& program, const StageProgram& forward, const StageProgram& backward) {
  std::string out;
  for (const SlotStep& step : program) {
    const ComponentCost& cost = (step.pass == SlotKind::kF ? forward : backward)[step.component];
    out += fmt::format("{}{}{}{} ", cost.lane == Lane::kEp ? "*" : "", component_name(cost.component),
                       slot_kind_name(step.pass), cost.layer);
  }
  return out;
}

std::string text(const SlotProgram& program, const StageProgram& stage) {
  return text(program, stage, stage);
}

std::string figure4(const StageProgram& forward, const StageProgram& backward) {
  return text(figure4_program(forward, backward), forward, backward);
}

TEST(SlotProgram, RunsForwardInOrderAndBackwardInReverse) {
  const StageProgram stage = moe_layers(0, 1);
  EXPECT_EQ(text(forward_program(stage), stage), "attentionF0 *dispatchF0 expertsF0 *combineF0 ");
  EXPECT_EQ(text(input_program(stage), stage), "*combineI0 expertsI0 *dispatchI0 attentionI0 ");
  EXPECT_EQ(text(weight_program(stage), stage), "expertsW0 attentionW0 ");
  EXPECT_EQ(text(backward_program(stage), stage),
            "*combineI0 expertsI0 expertsW0 *dispatchI0 attentionI0 attentionW0 ");
}

TEST(SlotProgram, APairFollowsDeepSeeksFigure4) {
  EXPECT_EQ(figure4(moe_layers(0, 1), moe_layers(1, 1)),
            "*combineI1 attentionF0 *dispatchF0 expertsI1 expertsW1 *dispatchI1 expertsF0 *combineF0 attentionI1 "
            "attentionW1 ");
}

TEST(SlotProgram, APairOfUnequalStagesRunsTheRestAlone) {
  const std::string order = figure4(moe_layers(0, 2), moe_layers(2, 1));
  EXPECT_TRUE(order.ends_with("attentionF1 *dispatchF1 expertsF1 *combineF1 ")) << order;
  EXPECT_EQ(std::count(order.begin(), order.end(), ' '), 8 + 6);
}

TEST(SlotProgram, DenseLayersOfAPairFollowEachOther) {
  const StageProgram dense = {{0, Component::kAttention, Lane::kCompute, 1, 1, 1},
                              {0, Component::kMlp, Lane::kCompute, 1, 1, 1}};
  EXPECT_EQ(figure4(dense, dense), "attentionF0 mlpF0 mlpI0 mlpW0 attentionI0 attentionW0 ");
}

}  // namespace
}  // namespace pipeloom
