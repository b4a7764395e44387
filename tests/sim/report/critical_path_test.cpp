#include "sim/report/critical_path.h"

#include <gtest/gtest.h>

#include "sim/engine/simulate.h"
#include "tests/support/orders.h"
#include "tests/support/random_costs.h"
#include "tests/support/references.h"

namespace pipeloom::sim {
namespace {

TEST(CriticalPath, IsAnUnbrokenChainFromZeroToTheMakespan) {
  for (const P2pRule rule :
       {P2pRule{P2pMode::kAsync, 0}, P2pRule{P2pMode::kAsync, 1}, P2pRule{P2pMode::kBlocking, 0}}) {
    for (const Schedule& schedule : tests::small_reference_schedules()) {
      const ScheduleCosts costs = tests::random_costs(schedule, 8, {9, 0});
      const auto timeline = simulate(schedule, costs, rule);
      if (!timeline) continue;
      const MessageTable messages(schedule);
      const HandOvers hand_overs(schedule, costs, messages, *timeline, rule.mode);
      const auto path = critical_path(schedule, *timeline, hand_overs);
      ASSERT_FALSE(path.empty());
      EXPECT_EQ(timeline->start_ns[path.front()], 0);
      EXPECT_EQ(timeline->end_ns[path.back()], timeline->makespan_ns);
      for (size_t i = 1; i < path.size(); ++i) {
        const int64_t wait_ns = timeline->start_ns[path[i]] - timeline->end_ns[path[i - 1]];
        EXPECT_GE(wait_ns, 0);
        EXPECT_LE(wait_ns, 9);  // nothing but the latency in between
      }
    }
  }
}

TEST(CriticalPath, WithoutLatencyItsSlotsFillTheMakespan) {
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    const ScheduleCosts costs = tests::random_costs(schedule, 9, {0, 0});
    const Timeline timeline = simulate(schedule, costs, {}).value();
    const MessageTable messages(schedule);
    const HandOvers hand_overs(schedule, costs, messages, timeline, P2pMode::kAsync);
    EXPECT_EQ(computing_ns(critical_path(schedule, timeline, hand_overs), timeline), timeline.makespan_ns);
  }
}

// The second slot begins before the first ends; after it the path waits for a hand-over.
TEST(CriticalPath, CountsTimeOnce) {
  Timeline timeline;
  timeline.start_ns = {0, 8, 25};
  timeline.end_ns = {10, 20, 30};
  EXPECT_EQ(computing_ns({0, 1, 2}, timeline), 25);
  EXPECT_EQ(computing_ns({}, timeline), 0);
}

// The makespan if one slot takes `delay_ns` longer: its own longest chain, evaluated slot by slot.
int64_t makespan_with_delay(const Schedule& schedule, const ScheduleCosts& costs, uint32_t delayed, int64_t delay_ns) {
  const MessageTable messages(schedule);
  const Timeline plain = simulate(schedule, costs, {}).value();
  std::vector<int64_t> end_ns(schedule.slots().size(), 0);
  int64_t makespan_ns = 0;
  for (const uint32_t slot : schedule.topological_order()) {
    const int rank = schedule.rank_of_slot(slot);
    int64_t start_ns = slot == schedule.first_slot(rank) ? 0 : end_ns[slot - 1];
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      const uint32_t producer = messages.producer(slot, direction);
      if (producer == MessageTable::kNone) continue;
      const int64_t latency_ns =
          messages.input(slot, direction) == MessageTable::kNone ? 0 : costs.link(0, 1).latency_ns;
      start_ns = std::max(start_ns, end_ns[producer] + latency_ns);
    }
    end_ns[slot] = start_ns + (plain.end_ns[slot] - plain.start_ns[slot]) + (slot == delayed ? delay_ns : 0);
    makespan_ns = std::max(makespan_ns, end_ns[slot]);
  }
  return makespan_ns;
}

TEST(Slack, IsHowMuchLaterASlotMayEndAndNotOneNanosecondMore) {
  for (const Schedule& schedule : tests::small_reference_schedules(4, 8)) {
    const ScheduleCosts costs = tests::random_costs(schedule, 10, {9, 0});
    const Timeline timeline = simulate(schedule, costs, {}).value();
    const MessageTable messages(schedule);
    const HandOvers hand_overs(schedule, costs, messages, timeline, P2pMode::kAsync);
    const std::vector<int64_t> slack = slack_ns(schedule, timeline, hand_overs);
    for (uint32_t slot = 0; slot < slack.size(); slot += 3) {
      EXPECT_EQ(makespan_with_delay(schedule, costs, slot, slack[slot]), timeline.makespan_ns);
      EXPECT_EQ(makespan_with_delay(schedule, costs, slot, slack[slot] + 1), timeline.makespan_ns + 1);
    }
  }
}

}  // namespace
}  // namespace pipeloom::sim
