// What the mouse does to the timeline, and what is painted where.
#include <gtest/gtest.h>

#include <QDropEvent>
#include <QMimeData>
#include <QWheelEvent>

#include "tests/gui/window.h"
#include "tests/support/temp_folder.h"

namespace pipeloom::gui {
namespace {

using tests::TestWindow;

class Mouse : public testing::Test {
 protected:
  Mouse() {
    plan_ = tests::plan_file(folder_.path("a.plan"), "1f1b", 4, 8);
    window_.open({QString::fromStdString(plan_)});
  }
  TimelineView& view() { return window_.timeline(); }
  QPoint point_of(const Selection& selection) {
    return view().frame().rectangle_of(selection.stretch()).center().toPoint();
  }
  Selection slot(int rank, uint32_t index) {
    return selection_of_slot(window_.document(), 0, window_.document().schedule()->first_slot(rank) + index);
  }
  void wheel(QPoint at, int turn, Qt::KeyboardModifiers modifiers) {
    QWheelEvent event(at, view().viewport()->mapToGlobal(at), {}, {0, turn}, Qt::NoButton, modifiers, Qt::NoScrollPhase,
                      false);
    QApplication::sendEvent(view().viewport(), &event);
  }

  const tests::TempFolder folder_;
  std::string plan_;
  tests::TestWindow window_;
};

TEST_F(Mouse, SelectsWhatItClicks) {
  const Selection wanted = slot(1, 2);
  QTest::mouseClick(view().viewport(), Qt::LeftButton, {}, point_of(wanted));
  ASSERT_TRUE(view().selection());
  EXPECT_TRUE(*view().selection() == wanted);
  EXPECT_TRUE(window_->selection_panel().text().contains("F2 of stage 1 on rank 1"));
  EXPECT_FALSE(view().frame().arrows.empty());
}

TEST_F(Mouse, AsksABubbleForItsCause) {
  const auto& idle = window_.document().step->why.idle();
  uint32_t waiting = 0;
  while (idle[waiting].cause != IdleCause::kWaitsForTask) ++waiting;
  const Selection bubble = selection_of_bubble(window_.document(), 0, waiting);
  QTest::mouseClick(view().viewport(), Qt::LeftButton, {}, point_of(bubble));
  ASSERT_TRUE(view().selection());
  EXPECT_EQ(view().selection()->kind, Selection::Kind::kIdle);
  EXPECT_TRUE(window_->selection_panel().text().contains("waits for task"));
  EXPECT_TRUE(window_->selection_panel().text().contains("waits for"));
}

TEST_F(Mouse, MeasuresWhatItDragsOver) {
  QWidget* port = view().viewport();
  QTest::mousePress(port, Qt::LeftButton, {}, {300, 200});
  QTest::mouseMove(port, {400, 200});
  QTest::mouseMove(port, {500, 200});
  QTest::mouseRelease(port, Qt::LeftButton, {}, {500, 200});
  ASSERT_TRUE(view().frame().measured_ns);
  const auto [begin, end] = *view().frame().measured_ns;
  EXPECT_NEAR(static_cast<double>(end - begin), 200 * view().frame().window.ns_per_pixel(), 2);
  EXPECT_TRUE(window_->selection_panel().text().contains("idle"));
  window_.press(Act::kFocus);
  EXPECT_NEAR(view().frame().window.begin_ns, static_cast<double>(begin), 1);
}

TEST_F(Mouse, ZoomsAndPansByWheel) {
  const TimeWindow before = view().frame().window;
  const double under = before.time_at(400 - Frame::kNamesWidth);
  wheel({400, 200}, 120, Qt::ControlModifier);
  EXPECT_LT(view().frame().window.length_ns(), before.length_ns());
  EXPECT_NEAR(view().frame().window.time_at(400 - Frame::kNamesWidth), under, 2);
  const double begin = view().frame().window.begin_ns;
  wheel({400, 200}, -120, Qt::ShiftModifier);
  EXPECT_GT(view().frame().window.begin_ns, begin);
}

TEST_F(Mouse, PansWithTheMiddleButton) {
  view().zoom(0.25);
  const TimeWindow before = view().frame().window;
  QTest::mousePress(view().viewport(), Qt::MiddleButton, {}, {500, 200});
  QTest::mouseMove(view().viewport(), {450, 200});
  QTest::mouseRelease(view().viewport(), Qt::MiddleButton, {}, {450, 200});
  EXPECT_NEAR(view().frame().window.begin_ns, before.begin_ns + 50 * before.ns_per_pixel(), 2);
}

TEST_F(Mouse, ZoomsToWhatIsDoubleClicked) {
  QTest::mouseDClick(view().viewport(), Qt::LeftButton, {}, point_of(slot(2, 5)));
  ASSERT_TRUE(view().selection());
  EXPECT_LT(view().frame().window.length_ns(), static_cast<double>(view().frame().length_ns()) / 3);
}

TEST_F(Mouse, DragsTheMinimapsWindow) {
  view().zoom(0.25);
  Minimap& map = window_->minimap();
  const double begin = view().frame().window.begin_ns;
  const double scale = (map.width() - Frame::kNamesWidth) / static_cast<double>(view().frame().length_ns());
  const auto middle = static_cast<int>(Frame::kNamesWidth + (begin + view().frame().window.length_ns() / 2) * scale);
  QTest::mousePress(&map, Qt::LeftButton, {}, {middle, 20});
  QTest::mouseMove(&map, {middle + 40, 20});
  QTest::mouseRelease(&map, Qt::LeftButton, {}, {middle + 40, 20});
  EXPECT_NEAR(view().frame().window.begin_ns, begin + 40 / scale, 2 / scale);
}

TEST_F(Mouse, TheMinimapShowsTheIdleShare) {
  const std::vector<float>& columns = window_->minimap().idle_columns();
  double sum = 0;
  for (const float column : columns) sum += column;
  const double exact = window_.document().step->subject.evaluation.bubble.global_rate();
  EXPECT_NEAR(sum / static_cast<double>(columns.size()), exact, 0.01);
}

TEST_F(Mouse, OpensWhatIsDropped) {
  const std::string other = tests::plan_file(folder_.path("b.plan"), "gpipe", 2, 4);
  QMimeData data;
  data.setUrls({QUrl::fromLocalFile(QString::fromStdString(other))});
  QDragEnterEvent enter({100, 100}, Qt::CopyAction, &data, Qt::LeftButton, {});
  QApplication::sendEvent(&*window_, &enter);
  EXPECT_TRUE(enter.isAccepted());
  QDropEvent drop(QPointF(100, 100), Qt::CopyAction, &data, Qt::LeftButton, {});
  QApplication::sendEvent(&*window_, &drop);
  window_.wait_until_idle();
  EXPECT_EQ(window_.document().name(), "b.plan");
}

// Pixels at chosen points: the first F is blue, a B is orange, warm-up is the empty lane with its hatch.
TEST_F(Mouse, PaintsPassesAndBubblesWhereTheyAre) {
  const QImage picture = view().viewport()->grab().toImage();
  const Palette& palette = window_->theme().palette;
  const auto colours_of = [&](const Selection& selection) {
    std::map<QRgb, int> colours;
    const QRect place = view().frame().rectangle_of(selection.stretch()).toRect().adjusted(2, 1, -3, -1);
    for (int x = place.left(); x <= place.right(); ++x) {
      for (int y = place.top(); y <= place.bottom(); ++y) ++colours[picture.pixel(x, y)];
    }
    return colours;
  };
  auto forward = colours_of(slot(0, 0));
  EXPECT_GT(forward[palette.looks[kLookForward].fill], 0);
  EXPECT_EQ(forward[palette.looks[kLookBackward].fill], 0);
  auto backward = colours_of(slot(3, 1));
  EXPECT_GT(backward[palette.looks[kLookBackward].fill], 0);
  auto warm_up = colours_of(selection_of_bubble(window_.document(), 0, [&] {
    uint32_t number = 0;
    while (window_.document().step->why.idle()[number].cause != IdleCause::kWarmUp) ++number;
    return number;
  }()));
  EXPECT_GT(warm_up[palette.lane], 0);
  EXPECT_GT(warm_up[palette.looks[kLookIdle0].ink], 0);
  EXPECT_EQ(warm_up.size(), 2u);
}

}  // namespace
}  // namespace pipeloom::gui
