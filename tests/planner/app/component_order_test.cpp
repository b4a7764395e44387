#include "planner/app/component_order.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "proto/job/job_io.h"

namespace pipeloom::planner {
namespace {

const Subject& deepseek() {
  static const Subject subject = *subject_of(*proto::read_embedded_job("samples/deepseek-v3.txtpb"));
  return subject;
}

uint32_t some_pair() {
  const auto slots = deepseek().evaluation.schedule.slots();
  const auto pair = std::find_if(slots.begin(), slots.end(),
                                 [](const Slot& slot) { return slot.kind == SlotKind::kFB && slot.stage == 5; });
  return static_cast<uint32_t>(pair - slots.begin());
}

TEST(ComponentOrder, LegalPlacesKeepTheChainsAndEveryWeightBehindItsInput) {
  const auto order = ComponentOrder::of_slot(deepseek(), some_pair());
  ASSERT_TRUE(order);
  size_t legal = 0;
  for (size_t position = 0; position < order->program().size(); ++position) {
    for (const size_t to : order->legal_places(position)) {
      ++legal;
      std::vector<uint16_t> forward;
      std::vector<bool> input_seen(200, false);
      for (const SlotStep& step : order->moved(position, to)) {
        if (step.pass == SlotKind::kF) forward.push_back(step.component);
        if (step.pass == SlotKind::kI) input_seen[step.component] = true;
        if (step.pass == SlotKind::kW) {
          EXPECT_TRUE(input_seen[step.component]);
        }
      }
      EXPECT_TRUE(std::is_sorted(forward.begin(), forward.end()));
    }
  }
  EXPECT_GT(legal, 20u);
}

TEST(ComponentOrder, ALonePassHasNoOrderToChange) {
  const auto slots = deepseek().evaluation.schedule.slots();
  const auto forward =
      std::find_if(slots.begin(), slots.end(), [](const Slot& slot) { return slot.kind == SlotKind::kF; });
  const auto order = ComponentOrder::of_slot(deepseek(), static_cast<uint32_t>(forward - slots.begin()));
  ASSERT_FALSE(order);
  EXPECT_NE(order.error().message.find("only B and overlapped pairs"), std::string::npos);
}

TEST(ComponentOrder, TheSameOrderTakesTheSameTime) {
  const auto order = ComponentOrder::of_slot(deepseek(), some_pair());
  const auto same = with_component_order(deepseek(), some_pair(), order->program());
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ(same->evaluation.end.step_ns, deepseek().evaluation.end.step_ns);
  EXPECT_EQ(same->evaluation.costs, deepseek().evaluation.costs);
}

TEST(ComponentOrder, AnotherOrderChangesTheStep) {
  const auto order = ComponentOrder::of_slot(deepseek(), some_pair());
  bool changed = false;
  for (size_t position = 0; position < order->program().size() && !changed; ++position) {
    const std::vector<size_t> places = order->legal_places(position);
    if (places.empty()) continue;
    const auto moved = with_component_order(deepseek(), some_pair(), order->moved(position, places.front()));
    ASSERT_TRUE(moved) << moved.error().message;
    changed = moved->evaluation.end.step_ns != deepseek().evaluation.end.step_ns;
  }
  EXPECT_TRUE(changed);
}

}  // namespace
}  // namespace pipeloom::planner
