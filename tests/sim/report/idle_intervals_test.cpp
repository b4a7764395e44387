#include "sim/report/idle_intervals.h"

#include <gtest/gtest.h>

#include <numeric>

#include "sim/engine/simulate.h"
#include "sim/report/bubble.h"
#include "tests/support/orders.h"
#include "tests/support/random_costs.h"
#include "tests/support/references.h"

namespace pipeloom::sim {
namespace {

std::vector<IdleInterval> idle(const Schedule& schedule, const ScheduleCosts& costs, const P2pRule& rule) {
  const Timeline timeline = simulate(schedule, costs, rule).value();
  const MessageTable messages(schedule);
  const HandOvers hand_overs(schedule, costs, messages, timeline, rule.mode);
  return idle_intervals(schedule, timeline, hand_overs);
}

// Returns whether the step ran: a blocking deadlock has no timeline.
bool expect_causes_sum_to_the_idle_time(const Schedule& schedule, const ScheduleCosts& costs, const P2pRule& rule) {
  const auto timeline = simulate(schedule, costs, rule);
  if (!timeline) return false;
  const Bubble bubble = measure_bubble(schedule, *timeline);
  const auto totals = idle_by_cause(schedule.ranks(), idle(schedule, costs, rule));
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    EXPECT_EQ(std::accumulate(totals[rank].begin(), totals[rank].end(), int64_t{0}), bubble.global_ns(rank))
        << "rank " << rank;
  }
  return true;
}

TEST(Idle, CausesSumToTheIdleTimeExactly) {
  int blocking_runs = 0;
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    const ScheduleCosts latency = tests::random_costs(schedule, 5, {11, 0});
    const ScheduleCosts bytes = tests::random_costs(schedule, 6, {11, 1'000'000'000}, 30);
    EXPECT_TRUE(expect_causes_sum_to_the_idle_time(schedule, latency, {}));
    EXPECT_TRUE(expect_causes_sum_to_the_idle_time(schedule, bytes, {P2pMode::kAsync, 0}));
    EXPECT_TRUE(expect_causes_sum_to_the_idle_time(schedule, bytes, {P2pMode::kAsync, 1}));
    blocking_runs += expect_causes_sum_to_the_idle_time(schedule, bytes, {P2pMode::kBlocking, 0}) ? 1 : 0;
  }
  EXPECT_GE(blocking_runs, 20);
}

TEST(Idle, IntervalsOfARankFollowEachOther) {
  for (const Schedule& schedule : tests::small_reference_schedules(4, 12)) {
    const auto intervals =
        idle(schedule, tests::random_costs(schedule, 7, {11, 1'000'000'000}, 30), {P2pMode::kAsync, 2});
    for (size_t i = 1; i < intervals.size(); ++i) {
      if (intervals[i].rank != intervals[i - 1].rank) continue;
      EXPECT_GE(intervals[i].begin_ns, intervals[i - 1].end_ns);
    }
    for (const IdleInterval& interval : intervals) EXPECT_GT(interval.duration_ns(), 0);
  }
}

TEST(Idle, SplitsAWaitIntoTheTaskAndTheTransfer) {
  const Schedule schedule =
      Schedule::create(Placement::linear(2).value(), 1, tests::parse_orders("0: F0 B0\n1: F0 B0")).value();
  const auto costs = ScheduleCosts::uniform(2, 2, StageCost::plain(10, 10, 10), {3, 0}).value();
  const std::vector<IdleInterval> expected = {
      {0, IdleCause::kWaitsForTask, 10, 43, 1, 3},  // B0 of rank 1 ends at 43
      {0, IdleCause::kExposedTransfer, 43, 46, 1, 3},
      {1, IdleCause::kWarmUp, 0, 13, 2, IdleInterval::kNoSlot},
      {1, IdleCause::kDrain, 43, 66, IdleInterval::kNoSlot, IdleInterval::kNoSlot},
  };
  EXPECT_EQ(idle(schedule, costs, {}), expected);
}

int64_t total(const std::vector<IdleInterval>& intervals, IdleCause cause) {
  int64_t total_ns = 0;
  for (const IdleInterval& interval : intervals) total_ns += interval.cause == cause ? interval.duration_ns() : 0;
  return total_ns;
}

TEST(Idle, NamesALinkThatOtherMessagesOccupy) {
  // DualPipe sends activations of one direction and gradients of the other over the same links.
  const Schedule schedule = tests::reference_schedule(tests::reference_orders("dualpipe").front()).value();
  const ScheduleCosts fast = tests::random_costs(schedule, 4, {1, 0}, 60);
  const ScheduleCosts slow = tests::random_costs(schedule, 4, {1, 1'000'000'000}, 60);
  EXPECT_EQ(total(idle(schedule, fast, {}), IdleCause::kLinkBusy), 0);
  EXPECT_GT(total(idle(schedule, slow, {}), IdleCause::kLinkBusy), 0);
}

}  // namespace
}  // namespace pipeloom::sim
