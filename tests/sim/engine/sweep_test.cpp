#include "sim/engine/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/engine/simulate.h"
#include "sim/report/bubble.h"
#include "tests/support/orders.h"
#include "tests/support/random_costs.h"
#include "tests/support/references.h"

namespace pipeloom::sim {
namespace {

Schedule two_ranks(const char* orders, int micro_batches) {
  return Schedule::create(Placement::linear(2).value(), micro_batches, tests::parse_orders(orders)).value();
}

TEST(Sweep, StartsASlotWhenItsLaneIsFreeAndItsInputsAreThere) {
  const Schedule schedule = two_ranks("0: F0 F1 B0 B1\n1: F0 B0 F1 B1", 2);
  const auto costs = ScheduleCosts::uniform(2, 2, StageCost::plain(10, 10, 10), {3, 0}).value();
  const Timeline timeline = simulate(schedule, costs, {}).value();
  //                                                        F0  F1  B0  B1 |  F0  B0  F1  B1
  EXPECT_EQ(timeline.start_ns, (std::vector<int64_t>{0, 10, 46, 76, 13, 23, 43, 53}));
  EXPECT_EQ(timeline.makespan_ns, 96);
}

TEST(Sweep, LetsASlotStartBeforeItsInputByTheNeedOffset) {
  const Schedule schedule = two_ranks("0: F0 B0\n1: F0 B0", 1);
  ScheduleCosts::Input input;
  input.stages.assign(2, StageCost::plain(10, 10, 10));
  input.stages[0].forward.ready_ns = 7;
  input.stages[1].forward.need_ns = 4;
  const auto costs = ScheduleCosts::create(2, 2, input).value();
  const Timeline timeline = simulate(schedule, costs, {}).value();
  EXPECT_EQ(timeline.start_ns[2], 7 - 4);
}

TEST(Sweep, LetsABackwardStartBeforeItsGradientByTheNeedOffset) {
  const Schedule schedule = two_ranks("0: F0 B0\n1: F0 B0", 1);
  ScheduleCosts::Input input;
  input.stages.assign(2, StageCost::plain(10, 10, 10));
  input.stages[0].backward.need_ns = 6;
  const auto costs = ScheduleCosts::create(2, 2, input).value();
  EXPECT_EQ(simulate(schedule, costs, {})->start_ns[1], 40 - 6);
}

TEST(Sweep, GivesAPairBothOutputsWithTheirOwnOffsets) {
  const Schedule schedule = two_ranks("0: F0 F1 B0 F2 B1 B2\n1: F0 F1&B0 F2&B1 B2", 3);
  ScheduleCosts::Input input;
  input.stages.assign(2, StageCost::plain(10, 10, 10));
  input.pairs.assign(4, PairCost{25, 0, 12, 0, 21});
  const auto costs = ScheduleCosts::create(2, 2, input).value();
  const Timeline timeline = simulate(schedule, costs, {}).value();
  const uint32_t pair = schedule.first_slot(1) + 1;
  EXPECT_EQ(timeline.start_ns[pair], 20);
  EXPECT_EQ(timeline.end_ns[pair], 45);
  EXPECT_EQ(timeline.start_ns[schedule.first_slot(0) + 2], 20 + 21);  // B0 of stage 0
}

TEST(Sweep, MakespanEqualsTheTimeline) {
  SweepBuffers buffers;
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    for (uint32_t seed = 0; seed < 3; ++seed) {
      const ScheduleCosts costs = tests::random_costs(schedule, seed, {5, 0});
      const Steps steps = Steps::create(schedule, costs).value();
      EXPECT_EQ(sweep_makespan(steps, buffers), sweep_timeline(schedule, steps).makespan_ns);
    }
  }
}

TEST(Sweep, IsNeverFasterThanTheBusiestRankOrOneMicroBatch) {
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    for (uint32_t seed = 0; seed < 3; ++seed) {
      const ScheduleCosts costs = tests::random_costs(schedule, seed, {5, 0});
      const Timeline timeline = simulate(schedule, costs, {}).value();
      const Bubble bubble = measure_bubble(schedule, timeline);
      EXPECT_GE(timeline.makespan_ns, *std::max_element(bubble.busy_ns.begin(), bubble.busy_ns.end()));
      int64_t chain_ns = 0;
      for (int stage = 0; stage < schedule.stages(); ++stage) {
        chain_ns += costs.stage(stage).forward.duration_ns + costs.stage(stage).input_backward.duration_ns;
      }
      EXPECT_GE(timeline.makespan_ns, chain_ns);
    }
  }
}

TEST(Sweep, KnowsClassesOfMicroBatches) {
  const Schedule schedule = two_ranks("0: F0 F1 B0 B1\n1: F0 B0 F1 B1", 2);
  ScheduleCosts::Input input;
  input.classes = 2;
  input.stages.assign(2, StageCost::plain(10, 10, 10));
  input.stages.resize(4, StageCost::plain(1, 1, 1));
  input.class_of_micro_batch = {1, 0};
  const auto costs = ScheduleCosts::create(2, 2, input).value();
  const Timeline timeline = simulate(schedule, costs, {}).value();
  EXPECT_EQ(timeline.end_ns, (std::vector<int64_t>{1, 11, 13, 61, 2, 4, 21, 41}));
}

TEST(Sweep, RefusesCostsThatBelongToAnotherSchedule) {
  const Schedule schedule = two_ranks("0: F0 B0\n1: F0 B0", 1);
  const auto costs = ScheduleCosts::uniform(3, 3, StageCost::plain(1, 1, 1)).value();
  const auto timeline = simulate(schedule, costs, {});
  ASSERT_FALSE(timeline.has_value());
  EXPECT_EQ(timeline.error().message, "costs are for 3 stages on 3 ranks; the schedule has 2 on 2");
}

TEST(Sweep, RefusesAStepThatInt64CouldNotHold) {
  const int64_t longest = ScheduleCosts::kMaxPassNs;
  RankOrders orders(1);
  for (int m = 0; m < 300'000; ++m) {
    orders[0].push_back(Slot::forward(0, m));
    orders[0].push_back(Slot::backward(0, m));
  }
  const Schedule schedule = Schedule::create(Placement::linear(1).value(), 300'000, orders).value();
  const auto costs = ScheduleCosts::uniform(1, 1, StageCost::plain(longest, longest / 2, longest / 2)).value();
  const auto timeline = simulate(schedule, costs, {});
  ASSERT_FALSE(timeline.has_value());
  EXPECT_NE(timeline.error().message.find("could last longer than 73 years"), std::string::npos);
}

}  // namespace
}  // namespace pipeloom::sim
