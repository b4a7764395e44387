#include "gui/timeline/share_table.h"

#include <gtest/gtest.h>

#include "tests/gui/lanes.h"

namespace pipeloom::gui {
namespace {

// Shares of [begin, end) by the level that a painter would take for it.
double busy_by_table(const ShareTable& table, double begin_ns, double end_ns) {
  const ShareTable::Level level = table.level(table.level_for(end_ns - begin_ns));
  const auto total_before = [&](double time_ns) {
    const double place = time_ns / table.length_ns() * level.buckets;
    const auto edge = std::min(static_cast<int>(place), level.buckets - 1);
    double sum = 0;
    for (size_t i = 0; i < table.looks().size(); ++i) {
      const double low = level.totals[static_cast<size_t>(edge) * table.columns() + i];
      const double high = level.totals[static_cast<size_t>(edge + 1) * table.columns() + i];
      sum += low + (place - edge) * (high - low);
    }
    return sum / ShareTable::kWhole;
  };
  return (total_before(end_ns) - total_before(begin_ns)) * table.length_ns() / (end_ns - begin_ns);
}

TEST(ShareTable, KnowsTheShareOfEveryLookOfTheWholeLane) {
  const std::vector<LaneSpan> spans = {{0, 250, 0, 3, 3}, {500, 600, 1, 1, 1}, {600, 700, 2, 3, 3}};
  const ShareTable table(spans, 1000);
  ASSERT_EQ(std::vector<uint8_t>(table.looks().begin(), table.looks().end()), (std::vector<uint8_t>{1, 3}));
  const ShareTable::Level level = table.level(0);
  const int32_t* last = level.totals + static_cast<size_t>(level.buckets) * table.columns();
  EXPECT_NEAR(static_cast<double>(last[0]) / ShareTable::kWhole, 0.1, 1e-6);
  EXPECT_NEAR(static_cast<double>(last[1]) / ShareTable::kWhole, 0.35, 1e-6);
  EXPECT_FALSE(table.split());
}

TEST(ShareTable, KeepsTheHalvesOfPairsApart) {
  const ShareTable table(std::vector<LaneSpan>{{0, 500, 0, 1, 2}}, 1000);
  EXPECT_TRUE(table.split());
  const ShareTable::Level level = table.level(0);
  const int32_t* last = level.totals + static_cast<size_t>(level.buckets) * table.columns();
  EXPECT_NEAR(static_cast<double>(last[0]) / ShareTable::kWhole, 0.5, 1e-6);  // upper, look 1
  EXPECT_EQ(last[1], 0);                                                      // upper, look 2
  const int32_t* lower = last + table.lower_half();
  EXPECT_EQ(lower[0], 0);
  EXPECT_NEAR(static_cast<double>(lower[1]) / ShareTable::kWhole, 0.5, 1e-6);
}

TEST(ShareTable, LosesNoIdleTimeAtAnyZoom) {
  const PictureLane lane = tests::random_lane(200'000, 0.191, 7);
  const auto length = static_cast<double>(tests::end_of(lane));
  // Down to ten pixels of a wide screen; what a whole lane looks like at any zoom is tested where it is painted.
  for (const double parts : {1.0, 3.0, 10.0, 100.0, 200.0}) {
    const double stretch = length / parts;
    for (const double at : {0.0, 0.37, 0.61}) {
      const double begin = at * (length - stretch);
      const double exact = tests::idle_share(lane, static_cast<int64_t>(begin), static_cast<int64_t>(begin + stretch));
      EXPECT_NEAR(1 - busy_by_table(lane.shares, begin, begin + stretch), exact, 0.01) << parts << " parts, at " << at;
    }
  }
}

TEST(ShareTable, CoarseLevelsHaveWideBuckets) {
  const PictureLane lane = tests::random_lane(100'000, 0.2, 1);
  EXPECT_EQ(lane.shares.level_for(lane.shares.bucket_ns()), 0);
  EXPECT_EQ(lane.shares.level_for(lane.shares.bucket_ns() * 32), 1);
  EXPECT_GT(lane.shares.level_for(lane.shares.length_ns()), 1);
}

}  // namespace
}  // namespace pipeloom::gui
