#include "sim/report/bubble.h"

#include <gtest/gtest.h>

#include "sim/engine/simulate.h"
#include "tests/support/orders.h"

namespace pipeloom::sim {
namespace {

TEST(Bubble, KnowsBothDefinitions) {
  const Schedule schedule =
      Schedule::create(Placement::linear(2).value(), 1, tests::parse_orders("0: F0 I0 W0\n1: F0 I0 W0")).value();
  const auto costs = ScheduleCosts::uniform(2, 2, StageCost::plain(10, 10, 10)).value();
  const Bubble bubble = measure_bubble(schedule, simulate(schedule, costs, {}).value());
  // Rank 0: F 0-10, I 30-40, W 40-50. Rank 1: 10-40.
  EXPECT_EQ(bubble.makespan_ns, 50);
  EXPECT_EQ(bubble.span_ns, 50);
  EXPECT_EQ(bubble.busy_ns, (std::vector<int64_t>{30, 30}));
  EXPECT_EQ(bubble.global_ns(1), 20);
  EXPECT_DOUBLE_EQ(bubble.global_rate(), 0.4);
}

TEST(Bubble, SpanIgnoresTheSkewBetweenRanks) {
  const Schedule schedule =
      Schedule::create(Placement::linear(2).value(), 1, tests::parse_orders("0: F0 I0 W0\n1: F0 I0 W0")).value();
  ScheduleCosts::Input input;
  input.stages = {StageCost::plain(10, 10, 10), StageCost::plain(10, 10, 100)};
  const ScheduleCosts costs = ScheduleCosts::create(2, 2, input).value();
  const Bubble bubble = measure_bubble(schedule, simulate(schedule, costs, {}).value());
  // Rank 0 runs from 0 to 50, rank 1 from 10 to 130.
  EXPECT_EQ(bubble.makespan_ns, 130);
  EXPECT_EQ(bubble.span_ns, 120);
  EXPECT_EQ(bubble.span_bubble_ns(0), 120 - 30);
  EXPECT_EQ(bubble.span_bubble_ns(1), 0);
}

}  // namespace
}  // namespace pipeloom::sim
