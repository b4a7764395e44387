#include <gtest/gtest.h>

#include "gui/timeline/memory_curve.h"
#include "gui/timeline/rows.h"
#include "gui/timeline/ruler.h"
#include "tests/gui/lanes.h"

namespace pipeloom::gui {
namespace {

Picture picture_of(int ranks) {
  Picture picture = tests::random_picture(ranks, 4);
  for (RankPicture& rank : picture.ranks) {
    PictureLane lane = rank.lanes.front();
    lane.role = LaneRole::kCommunication;
    rank.lanes.push_back(lane);
    rank.memory = memory_curve({{0, 0}, {10, 5}}, 1, 10);
  }
  return picture;
}

TEST(Rows, FillTheRoomThatThereIs) {
  const Picture picture = picture_of(8);
  const std::vector<const Picture*> pictures = {&picture};
  const Rows rows = layout_rows(pictures, {}, 600);
  EXPECT_LE(rows.height, 600);
  EXPECT_GT(rows.height, 540);
  EXPECT_EQ(rows.rows.size(), 24u);
  for (size_t i = 1; i < rows.rows.size(); ++i) {
    EXPECT_GE(rows.rows[i].y, rows.rows[i - 1].y + rows.rows[i - 1].height) << "row " << i;
  }
}

TEST(Rows, LeaveMemoryOutWhereItDoesNotFit) {
  const Picture picture = picture_of(16);
  const std::vector<const Picture*> pictures = {&picture};
  EXPECT_FALSE(layout_rows(pictures, {}, 350).has_memory);
  EXPECT_TRUE(layout_rows(pictures, {}, 900).has_memory);
  RowOptions always;
  always.memory = ShowMemory::kAlways;
  EXPECT_TRUE(layout_rows(pictures, always, 350).has_memory);
}

TEST(Rows, FindWhatIsAtAHeight) {
  const Picture picture = picture_of(3);
  const std::vector<const Picture*> pictures = {&picture};
  const Rows rows = layout_rows(pictures, {}, 400);
  for (const Row& row : rows.rows) {
    EXPECT_EQ(rows.row_at(row.y), &row);
    EXPECT_EQ(rows.row_at(row.y + row.height - 1), &row);
  }
  EXPECT_EQ(rows.row_at(-1), nullptr);
  EXPECT_EQ(rows.row_at(rows.height + 5), nullptr);
}

TEST(Ruler, MarksRoundTimes) {
  const Ruler ruler = ruler_of({0, 1000, 1000}, 110);
  EXPECT_EQ(ruler.step_ns, 200);
  EXPECT_EQ(ruler.marks_ns, (std::vector<int64_t>{0, 200, 400, 600, 800, 1000}));
}

TEST(Ruler, WritesAsManyDigitsAsTheStepHas) {
  EXPECT_EQ(ruler_text(2'000'000'000, 1'000'000'000, false), "2 s");
  EXPECT_EQ(ruler_text(3'450'000'000, 50'000'000, false), "3.45 s");
  EXPECT_EQ(ruler_text(12'500'000, 500'000, false), "12.5 ms");
  EXPECT_EQ(ruler_text(0, 1000, false), "0 ns");
  EXPECT_EQ(ruler_text(2'500'000, 500'000, true), "2.5");
}

TEST(TimeWindow, ZoomsAtThePointer) {
  const TimeWindow window = {1000, 2000, 100};
  const TimeWindow near = window.zoomed(0.5, 25);
  EXPECT_DOUBLE_EQ(near.time_at(25), window.time_at(25));
  EXPECT_DOUBLE_EQ(near.length_ns(), 500);
  const TimeWindow kept = near.moved(-5000).kept_within(3000);
  EXPECT_DOUBLE_EQ(kept.begin_ns, 0);
  EXPECT_DOUBLE_EQ(kept.length_ns(), 500);
}

TEST(MemoryCurve, KnowsItsPeakAndEveryMoment) {
  const MemoryCurve curve = memory_curve({{0, 0}, {10, 30}, {20, 50}, {30, 20}}, 100, 200);
  EXPECT_EQ(curve.peak, 150);
  EXPECT_EQ(curve.peak_ns, 20);
  EXPECT_EQ(curve.held_at(9), 100);
  EXPECT_EQ(curve.held_at(10), 130);
  EXPECT_EQ(curve.held_at(1000), 120);
}

TEST(MemoryCurve, ColumnsKeepTheMostAndTheLeast) {
  const MemoryCurve curve = memory_curve({{0, 0}, {10, 30}, {20, 50}, {30, 20}}, 0, 0);
  const std::vector<MemoryRange> columns = memory_columns(curve, {0, 40, 2});
  EXPECT_EQ(columns[0].most, 30);
  EXPECT_EQ(columns[0].least, 0);
  EXPECT_EQ(columns[1].most, 50);
  EXPECT_EQ(columns[1].least, 20);
}

}  // namespace
}  // namespace pipeloom::gui
