#include <gtest/gtest.h>

#include <algorithm>

#include "gui/models/component_order.h"
#include "proto/job/job_io.h"
#include "tests/gui/window.h"

namespace pipeloom::gui {
namespace {

const planner::Subject& deepseek() {
  static const planner::Subject subject = *planner::subject_of(*proto::read_embedded_job("samples/deepseek-v3.txtpb"));
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

class ChunkViewTest : public testing::Test {
 protected:
  ChunkViewTest() {
    window_.open_sample("samples/deepseek-v3.txtpb");
    window_.timeline().select(selection_of_slot(window_.document(), 0, some_pair()), true);
  }
  SlotView& slot_view() { return window_->selection_panel().slot_view(); }
  size_t movable() {
    size_t position = 0;
    while (slot_view().order()->legal_places(position).empty()) ++position;
    return position;
  }
  void click(size_t position) {
    QTest::mouseClick(&slot_view(), Qt::LeftButton, {}, slot_view().bar_of(position).center().toPoint());
  }
  ~ChunkViewTest() override { window_->session().undo_stack().setClean(); }

  tests::TestWindow window_;
};

TEST_F(ChunkViewTest, AltAndAnArrowMoveTheChosenComponent) {
  const size_t position = movable();
  click(position);
  ASSERT_EQ(slot_view().chosen(), position);
  const SlotProgram before = slot_view().order()->program();
  const bool left = slot_view().order()->neighbour(position, true) != position;
  window_.press(left ? Act::kMoveComponentLeft : Act::kMoveComponentRight);
  window_.wait_until_idle();
  EXPECT_NE(slot_view().order()->program(), before);
  window_.press(Act::kUndo);
  window_.wait_until_idle();
  EXPECT_EQ(slot_view().order()->program(), before);
}

TEST_F(ChunkViewTest, DraggingShowsTheNewTimeAndThenMoves) {
  const size_t position = movable();
  const SlotProgram before = slot_view().order()->program();
  const QPoint from = slot_view().bar_of(position).center().toPoint();
  const bool left = slot_view().order()->neighbour(position, true) != position;
  const QPoint to(left ? 1 : slot_view().width() - 1, from.y());
  QTest::mousePress(&slot_view(), Qt::LeftButton, {}, from);
  // QTest's moves carry no buttons.
  QMouseEvent move(QEvent::MouseMove, to, slot_view().mapToGlobal(to), Qt::NoButton, Qt::LeftButton, {});
  QApplication::sendEvent(&slot_view(), &move);
  EXPECT_TRUE(QTest::qWaitFor([this] { return slot_view().ghost().startsWith("step "); }, 5000))
      << slot_view().ghost().toStdString();
  QTest::mouseRelease(&slot_view(), Qt::LeftButton, {}, to);
  window_.wait_until_idle();
  EXPECT_NE(slot_view().order()->program(), before);
  EXPECT_EQ(window_->session().undo_stack().count(), 1);
}

}  // namespace
}  // namespace pipeloom::gui
