#include "gui/panels/slot_view.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/gui/window.h"

namespace pipeloom::gui {
namespace {

uint32_t some_pair(const Document& document) {
  const auto slots = document.schedule()->slots();
  const auto pair =
      std::ranges::find_if(slots, [](const Slot& slot) { return slot.kind == SlotKind::kFB && slot.stage == 5; });
  return static_cast<uint32_t>(pair - slots.begin());
}

class SlotViewTest : public testing::Test {
 protected:
  SlotViewTest() {
    window_.open_sample("samples/deepseek-v3.txtpb");
    window_.timeline().select(selection_of_slot(window_.document(), 0, some_pair(window_.document())), true);
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
  ~SlotViewTest() override { window_->session().undo_stack().setClean(); }

  tests::TestWindow window_;
};

TEST_F(SlotViewTest, AltAndAnArrowMoveTheChosenComponent) {
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

TEST_F(SlotViewTest, DraggingShowsTheNewTimeAndThenMoves) {
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
