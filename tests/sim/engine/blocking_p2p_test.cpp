#include "sim/engine/blocking_p2p.h"

#include <gtest/gtest.h>

#include "sim/engine/simulate.h"
#include "tests/support/orders.h"
#include "tests/support/random_costs.h"
#include "tests/support/references.h"

namespace pipeloom::sim {
namespace {

Result<Timeline> run(const Schedule& schedule, const ScheduleCosts& costs) {
  return simulate_blocking(schedule, costs, MessageTable(schedule));
}

TEST(BlockingP2p, ASlotWaitsForTheWholeBatchBeforeIt) {
  const Schedule schedule =
      Schedule::create(Placement::linear(2).value(), 2, tests::parse_orders("0: F0 F1 B0 B1\n1: F0 B0 F1 B1")).value();
  const auto costs = ScheduleCosts::uniform(2, 2, StageCost::plain(10, 10, 10), {3, 0}).value();
  const Timeline timeline = run(schedule, costs).value();
  // Rank 0 sends F0 before F1 (10 to 13) and sends F1 together with B0's receive: rank 1 posts both at 43.
  EXPECT_EQ(timeline.start_ns, (std::vector<int64_t>{0, 13, 46, 79, 13, 23, 46, 56}));
}

TEST(BlockingP2p, TheSlowestMessageOfABatchDecides) {
  // Rank 1 sends F0 down a fast link and takes F1 from a slow one in the same batch.
  const Schedule schedule = Schedule::create(Placement::linear(3).value(), 2,
                                             tests::parse_orders("0: F0 F1 B0 B1\n1: F0 F1 B0 B1\n2: F0 F1 B0 B1"))
                                .value();
  ScheduleCosts::Input input;
  input.stages.assign(3, StageCost::plain(10, 10, 10));
  input.links.assign(9, LinkCost{1, 0});
  input.links[0 * 3 + 1] = LinkCost{50, 0};
  const auto costs = ScheduleCosts::create(3, 3, input).value();
  const Timeline timeline = run(schedule, costs).value();
  // F0 of rank 1 ends at 70, when rank 0 has F1 ready: F1 arrives at 120, F0 on rank 2 at 71.
  EXPECT_EQ(timeline.start_ns[schedule.first_slot(1) + 1], 120);
}

TEST(BlockingP2p, WithoutLatencyIsNeverFasterThanAsync) {
  int runs = 0;
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    const ScheduleCosts costs = tests::random_costs(schedule, 3, {0, 0});
    const auto blocking = run(schedule, costs);
    if (!blocking) continue;
    ++runs;
    EXPECT_GE(blocking->makespan_ns, simulate(schedule, costs, {})->makespan_ns);
  }
  EXPECT_GE(runs, 20);
}

TEST(BlockingP2p, ReportsBatchesThatWaitForEachOther) {
  // Each rank sends the first chunk's output before it takes the other rank's.
  const Schedule schedule = tests::reference_schedule(tests::reference_orders("interleaved_1f1b")[2]).value();
  const auto timeline = run(schedule, tests::unit_costs(schedule));
  ASSERT_FALSE(timeline.has_value());
  EXPECT_EQ(timeline.error().code, ErrorCode::kDeadlock);
  EXPECT_EQ(timeline.error().message,
            "blocking P2P deadlocks: rank 0 before slot 6 waits for rank 1; rank 1 before slot 6 waits for rank 0");
}

}  // namespace
}  // namespace pipeloom::sim
