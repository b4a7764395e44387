#include "sim/engine/event_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace pipeloom::sim {
namespace {

TEST(EventTree, TheLowestOfTheEarliestIsFirst) {
  EventTree tree(5);
  EXPECT_EQ(tree.time_ns(tree.first()), EventTree::kNever);
  tree.set(3, 10);
  tree.set(1, 20);
  EXPECT_EQ(tree.first(), 3U);
  tree.set(4, 10);
  EXPECT_EQ(tree.first(), 3U);
  tree.set(0, 10);
  EXPECT_EQ(tree.first(), 0U);
  tree.set(0, EventTree::kNever);
  tree.set(3, 30);
  EXPECT_EQ(tree.first(), 4U);
}

TEST(EventTree, IsAsALinearSearch) {
  std::mt19937 random(1);
  for (const uint32_t clocks : {1, 2, 7, 64, 100}) {
    EventTree tree(clocks);
    std::vector<int64_t> times(clocks, EventTree::kNever);
    for (int change = 0; change < 2000; ++change) {
      const auto clock = static_cast<uint32_t>(random() % clocks);
      times[clock] = random() % 4 == 0 ? EventTree::kNever : static_cast<int64_t>(random() % 50);
      tree.set(clock, times[clock]);
      ASSERT_EQ(tree.time_ns(tree.first()), *std::min_element(times.begin(), times.end()));
      if (times[tree.first()] != EventTree::kNever) {
        ASSERT_EQ(tree.first(), std::min_element(times.begin(), times.end()) - times.begin());
      }
    }
  }
}

}  // namespace
}  // namespace pipeloom::sim
