#include "gui/models/chunk_order.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "proto/job_io.h"
#include "tests/gui/window.h"

namespace pipeloom {
namespace {

const Subject& deepseek() {
  static const Subject subject = *subject_of(*read_embedded_job("samples/deepseek-v3.txtpb"));
  return subject;
}

uint32_t some_pair() {
  const auto slots = deepseek().evaluation.schedule.slots();
  const auto pair = std::find_if(slots.begin(), slots.end(),
                                 [](const Slot& slot) { return slot.kind == SlotKind::kFB && slot.stage == 5; });
  return static_cast<uint32_t>(pair - slots.begin());
}

TEST(ChunkOrder, LegalPlacesKeepTheChainsAndEveryWeightBehindItsInput) {
  const auto order = ChunkOrder::of_slot(deepseek(), some_pair());
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

TEST(ChunkOrder, ALonePassHasNoOrderToChange) {
  const auto slots = deepseek().evaluation.schedule.slots();
  const auto forward =
      std::find_if(slots.begin(), slots.end(), [](const Slot& slot) { return slot.kind == SlotKind::kF; });
  const auto order = ChunkOrder::of_slot(deepseek(), static_cast<uint32_t>(forward - slots.begin()));
  ASSERT_FALSE(order);
  EXPECT_NE(order.error().message.find("only B and overlapped pairs"), std::string::npos);
}

TEST(ChunkOrder, TheSameOrderTakesTheSameTime) {
  const auto order = ChunkOrder::of_slot(deepseek(), some_pair());
  const auto same = with_chunk_order(deepseek(), some_pair(), order->program());
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ(same->evaluation.end.step_ns, deepseek().evaluation.end.step_ns);
  EXPECT_EQ(same->evaluation.costs, deepseek().evaluation.costs);
}

TEST(ChunkOrder, AnotherOrderChangesTheStep) {
  const auto order = ChunkOrder::of_slot(deepseek(), some_pair());
  bool changed = false;
  for (size_t position = 0; position < order->program().size() && !changed; ++position) {
    const std::vector<size_t> places = order->legal_places(position);
    if (places.empty()) continue;
    const auto moved = with_chunk_order(deepseek(), some_pair(), order->moved(position, places.front()));
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
  ChunkView& chunk() { return window_->selection_panel().chunk(); }
  size_t movable() {
    size_t position = 0;
    while (chunk().order()->legal_places(position).empty()) ++position;
    return position;
  }
  void click(size_t position) {
    QTest::mouseClick(&chunk(), Qt::LeftButton, {}, chunk().bar_of(position).center().toPoint());
  }
  ~ChunkViewTest() override { window_->session().undo_stack().setClean(); }

  tests::TestWindow window_;
};

TEST_F(ChunkViewTest, AltAndAnArrowMoveTheChosenComponent) {
  const size_t position = movable();
  click(position);
  ASSERT_EQ(chunk().chosen(), position);
  const SlotProgram before = chunk().order()->program();
  const bool left = chunk().order()->neighbour(position, true) != position;
  window_.press(left ? Act::kMoveComponentLeft : Act::kMoveComponentRight);
  window_.wait_until_idle();
  EXPECT_NE(chunk().order()->program(), before);
  window_.press(Act::kUndo);
  window_.wait_until_idle();
  EXPECT_EQ(chunk().order()->program(), before);
}

TEST_F(ChunkViewTest, DraggingShowsTheNewTimeAndThenMoves) {
  const size_t position = movable();
  const SlotProgram before = chunk().order()->program();
  const QPoint from = chunk().bar_of(position).center().toPoint();
  const bool left = chunk().order()->neighbour(position, true) != position;
  const QPoint to(left ? 1 : chunk().width() - 1, from.y());
  QTest::mousePress(&chunk(), Qt::LeftButton, {}, from);
  // QTest's moves carry no buttons.
  QMouseEvent move(QEvent::MouseMove, to, chunk().mapToGlobal(to), Qt::NoButton, Qt::LeftButton, {});
  QApplication::sendEvent(&chunk(), &move);
  EXPECT_TRUE(QTest::qWaitFor([this] { return chunk().ghost().startsWith("step "); }, 5000))
      << chunk().ghost().toStdString();
  QTest::mouseRelease(&chunk(), Qt::LeftButton, {}, to);
  window_.wait_until_idle();
  EXPECT_NE(chunk().order()->program(), before);
  EXPECT_EQ(window_->session().undo_stack().count(), 1);
}

}  // namespace
}  // namespace pipeloom
