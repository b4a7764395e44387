#include "sim/engine/async_p2p.h"

#include <gtest/gtest.h>

#include "sim/engine/simulate.h"
#include "tests/support/orders.h"
#include "tests/support/random_costs.h"
#include "tests/support/references.h"

namespace pipeloom::sim {
namespace {

constexpr int64_t kGigabytePerSecond = 1'000'000'000;  // one byte per ns

ScheduleCosts costs_with_bytes(int stages, int64_t f_ns, int64_t b_ns, int64_t bytes, int64_t latency_ns) {
  ScheduleCosts::Input input;
  input.stages.assign(stages, StageCost::plain(f_ns, b_ns, 0));
  input.links = {LinkCost{latency_ns, kGigabytePerSecond}};
  input.message_bytes = {bytes};
  return ScheduleCosts::create(stages, stages, input).value();
}

TEST(AsyncP2p, EqualsTheSweepWhereNothingIsScarce) {
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    const MessageTable messages(schedule);
    for (uint32_t seed = 0; seed < 2; ++seed) {
      const ScheduleCosts costs = tests::random_costs(schedule, seed, {7, 0});
      const Timeline sweep = simulate(schedule, costs, {}).value();
      const Timeline events = simulate_async(schedule, costs, messages, 0);
      EXPECT_EQ(events.start_ns, sweep.start_ns);
      EXPECT_EQ(events.end_ns, sweep.end_ns);
      EXPECT_EQ(events.makespan_ns, sweep.makespan_ns);
      EXPECT_EQ(events.hand_overs.size(), messages.messages().size());
    }
  }
}

TEST(AsyncP2p, MessagesOccupyTheirLinkOneAfterTheOther) {
  const Schedule schedule =
      Schedule::create(Placement::linear(2).value(), 2, tests::parse_orders("0: F0 F1 B0 B1\n1: F0 F1 B0 B1")).value();
  const ScheduleCosts costs = costs_with_bytes(2, 1, 2, 10, 3);
  const Timeline timeline = simulate_async(schedule, costs, MessageTable(schedule), 0);
  ASSERT_EQ(timeline.hand_overs.size(), 4u);
  const HandOver& first = timeline.hand_overs[0];
  const HandOver& second = timeline.hand_overs[1];
  EXPECT_EQ(first.ready_ns, 1);
  EXPECT_EQ(first.arrival_ns, 1 + 10 + 3);
  EXPECT_EQ(second.ready_ns, 2);
  EXPECT_EQ(second.start_ns, 1 + 10);  // the link was busy until then
  EXPECT_EQ(second.arrival_ns, 11 + 10 + 3);
}

TEST(AsyncP2p, BothDirectionsOfAPairOfRanksHaveTheirOwnLink) {
  const Schedule schedule =
      Schedule::create(Placement::linear(2).value(), 2, tests::parse_orders("0: F0 F1 B0 B1\n1: F0 B0 F1 B1")).value();
  const ScheduleCosts costs = costs_with_bytes(2, 1, 1, 100, 0);
  const Timeline timeline = simulate_async(schedule, costs, MessageTable(schedule), 0);
  // F1 goes down from 101 to 201, B0 up from 103 to 203: at the same time.
  EXPECT_EQ(timeline.start_ns[schedule.first_slot(1) + 2], 201);
  EXPECT_EQ(timeline.start_ns[schedule.first_slot(0) + 2], 203);
}

TEST(AsyncP2p, ASendWaitsForAPostedReceive) {
  const Schedule schedule = Schedule::create(Placement::linear(2).value(), 3,
                                             tests::parse_orders("0: F0 F1 F2 B0 B1 B2\n1: F0 B0 F1 B1 F2 B2"))
                                .value();
  const ScheduleCosts costs = ScheduleCosts::uniform(2, 2, StageCost::plain(10, 10, 10), {5, 0}).value();
  const Timeline unlimited = simulate_async(schedule, costs, MessageTable(schedule), 0);
  const Timeline one = simulate_async(schedule, costs, MessageTable(schedule), 1);
  // With one buffer F1 leaves when F0 of rank 1 (15 to 25) has ended, not when it is ready (20).
  EXPECT_EQ(unlimited.hand_overs[1].admitted_ns, 20);
  EXPECT_EQ(one.hand_overs[1].ready_ns, 20);
  EXPECT_EQ(one.hand_overs[1].admitted_ns, 25);
  EXPECT_GE(one.makespan_ns, unlimited.makespan_ns);
}

TEST(AsyncP2p, FewerBuffersAreNeverFaster) {
  for (const Schedule& schedule : tests::small_reference_schedules(4, 12)) {
    const MessageTable messages(schedule);
    const ScheduleCosts costs = tests::random_costs(schedule, 1, {7, 0});
    int64_t last_ns = simulate_async(schedule, costs, messages, 0).makespan_ns;
    for (const int depth : {8, 4, 2, 1}) {
      const int64_t makespan_ns = simulate_async(schedule, costs, messages, depth).makespan_ns;
      EXPECT_GE(makespan_ns, last_ns) << depth;
      last_ns = makespan_ns;
    }
  }
}

TEST(AsyncP2p, EveryMessageKeepsItsOrderAndItsTimes) {
  for (const Schedule& schedule : tests::small_reference_schedules(4, 12)) {
    const MessageTable messages(schedule);
    const ScheduleCosts costs = tests::random_costs(schedule, 2, {7, kGigabytePerSecond}, 40);
    const Timeline timeline = simulate_async(schedule, costs, messages, 2);
    EXPECT_EQ(timeline.hand_overs.size(), messages.messages().size());
    std::vector<int64_t> link_free_ns(static_cast<size_t>(schedule.ranks()) * schedule.ranks(), 0);
    for (const HandOver& hand_over : timeline.hand_overs) {
      EXPECT_LE(hand_over.ready_ns, hand_over.admitted_ns);
      EXPECT_LE(hand_over.admitted_ns, hand_over.start_ns);
      EXPECT_EQ(hand_over.arrival_ns, hand_over.start_ns + 40 + 7);
      EXPECT_LE(hand_over.arrival_ns, timeline.start_ns[hand_over.consumer]);
      const auto& queue = schedule.placement().queues()[hand_over.queue];
      int64_t& free_ns = link_free_ns[static_cast<size_t>(queue.source) * schedule.ranks() + queue.target];
      EXPECT_GE(hand_over.start_ns, free_ns);
      free_ns = hand_over.start_ns + 40;
    }
  }
}

}  // namespace
}  // namespace pipeloom::sim
