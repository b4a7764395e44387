#include "core/schedule.h"

#include <gtest/gtest.h>

namespace pipeloom {
namespace {

TEST(Schedule, AcceptsOneRank) {
  const RankOrders orders = {{Slot::forward(0, 0), Slot::backward(0, 0)}};
  const auto schedule = Schedule::create(Placement::linear(1).value(), 1, orders);
  ASSERT_TRUE(schedule.has_value()) << schedule.error().message;
  EXPECT_EQ(schedule->passes(), 2);
}

}  // namespace
}  // namespace pipeloom
