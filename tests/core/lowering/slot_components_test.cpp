#include "core/lowering/slot_components.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

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

std::string text(const std::vector<SlotComponent>& parts) {
  std::string out;
  for (const SlotComponent& part : parts) {
    out += fmt::format("{}{}{}{} ", part.cost.lane == Lane::kEp ? "*" : "", component_name(part.cost.component),
                       slot_kind_name(part.pass), part.cost.layer);
  }
  return out;
}

TEST(SlotComponents, RunForwardInOrderAndBackwardInReverse) {
  const std::vector<StageProgram> programs = {moe_layers(0, 1)};
  EXPECT_EQ(text(slot_components(Slot::forward(0, 0), programs)), "attentionF0 *dispatchF0 expertsF0 *combineF0 ");
  EXPECT_EQ(text(slot_components(Slot::input_backward(0, 0), programs)),
            "*combineI0 expertsI0 *dispatchI0 attentionI0 ");
  EXPECT_EQ(text(slot_components(Slot::weight_backward(0, 0), programs)), "expertsW0 attentionW0 ");
  EXPECT_EQ(text(slot_components(Slot::backward(0, 0), programs)),
            "*combineI0 expertsI0 expertsW0 *dispatchI0 attentionI0 attentionW0 ");
}

TEST(SlotComponents, APairFollowsDeepSeeksFigure4) {
  const std::vector<StageProgram> programs = {moe_layers(0, 1), moe_layers(1, 1)};
  EXPECT_EQ(text(slot_components(Slot::pair(0, 0, 1, 1), programs)),
            "*combineI1 attentionF0 *dispatchF0 expertsI1 expertsW1 *dispatchI1 expertsF0 *combineF0 attentionI1 "
            "attentionW1 ");
}

TEST(SlotComponents, APairOfUnequalStagesRunsTheRestAlone) {
  const std::vector<StageProgram> programs = {moe_layers(0, 2), moe_layers(2, 1)};
  const auto parts = slot_components(Slot::pair(0, 0, 1, 1), programs);
  EXPECT_EQ(parts.size(), 8u + 6u);
  EXPECT_EQ(text({parts.end() - 4, parts.end()}), "attentionF1 *dispatchF1 expertsF1 *combineF1 ");
}

TEST(SlotComponents, DenseLayersOfAPairFollowEachOther) {
  const StageProgram dense = {{0, Component::kAttention, Lane::kCompute, 1, 1, 1},
                              {0, Component::kMlp, Lane::kCompute, 1, 1, 1}};
  const std::vector<StageProgram> programs = {dense, dense};
  EXPECT_EQ(text(slot_components(Slot::pair(0, 0, 1, 1), programs)),
            "attentionF0 mlpF0 mlpI0 mlpW0 attentionI0 attentionW0 ");
}

}  // namespace
}  // namespace pipeloom
