#include "core/schedule/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "tests/support/orders.h"

namespace pipeloom {
namespace {

using tests::parse_orders;

Result<Schedule> create(Placement placement, int micro_batches, std::string_view orders) {
  return Schedule::create(std::move(placement), micro_batches, tests::parse_orders(orders));
}

// Creates a schedule of two micro-batches on two ranks in a row.
Result<Schedule> two_ranks(std::string_view orders) {
  return create(Placement::linear(2).value(), 2, orders);
}

std::string error(const Result<Schedule>& schedule) {
  return schedule ? "accepted" : schedule.error().message;
}

TEST(Schedule, AcceptsOneRank) {
  const auto schedule = create(Placement::linear(1).value(), 1, "0: F0 B0");
  ASSERT_TRUE(schedule.has_value()) << schedule.error().message;
  EXPECT_EQ(schedule->passes(), 2);
  EXPECT_FALSE(schedule->has_pairs());
  EXPECT_FALSE(schedule->splits_backward());
}

TEST(Schedule, KeepsTheOrders) {
  const std::string_view orders = "0: F0 F1 B0 I1 W1\n1: F0 F1&B0 B1\n";
  const Schedule schedule = two_ranks(orders).value();
  EXPECT_EQ(tests::print_orders(schedule), orders);
  EXPECT_EQ(schedule.passes(), 9);
  EXPECT_TRUE(schedule.has_pairs());
  EXPECT_TRUE(schedule.splits_backward());
  EXPECT_EQ(schedule.slots_of(1)[1], Slot::pair(1, 1, 1, 0));
  EXPECT_EQ(schedule.first_slot(1), 5u);
  EXPECT_EQ(schedule.rank_of_slot(4), 0);
  EXPECT_EQ(schedule.rank_of_slot(5), 1);
  EXPECT_EQ(schedule.cell(1, 1), 3u);
}

TEST(Schedule, KeepsPairsWhoseWRunsApart) {
  const std::string_view orders = "0: F0 F1 I0 W0 I1 W1\n1: F0 F1&I0 W0 I1 W1\n";
  const Schedule schedule = two_ranks(orders).value();
  EXPECT_EQ(tests::print_orders(schedule), orders);
  EXPECT_EQ(schedule.slots_of(1)[1], Slot::pair(1, 1, 1, 0, SlotKind::kFI));
  EXPECT_EQ(schedule.passes(), 12);
  EXPECT_TRUE(schedule.has_input_pairs());
  EXPECT_FALSE(two_ranks("0: F0 F1 B0 B1\n1: F0 F1&B0 B1\n").value().has_input_pairs());
  EXPECT_EQ(error(two_ranks("0: F0 F1 I0 W0 I1 W1\n1: F0 F1&I0 I1 W1\n")), "rank 1: W0 of stage 1 is missing");
  EXPECT_EQ(error(two_ranks("0: F0 F1 I0 W0 I1 W1\n1: F0 W0 F1&I0 I1 W1\n")),
            "rank 1, slot 1 (W0): W0 of stage 1 comes before its I");
}

TEST(Schedule, TopologicalOrderPutsEverySlotAfterWhatItWaitsFor) {
  const Schedule schedule = two_ranks("0: F0 F1 B0 B1\n1: F0 B0 F1 B1\n").value();
  const auto order = schedule.topological_order();
  ASSERT_EQ(order.size(), 8u);
  const auto place = [&](uint32_t slot) { return std::find(order.begin(), order.end(), slot) - order.begin(); };
  EXPECT_LT(place(0), place(4));  // F0: rank 0 before rank 1
  EXPECT_LT(place(1), place(6));  // F1
  EXPECT_LT(place(5), place(2));  // B0: rank 1 before rank 0
  EXPECT_LT(place(7), place(3));  // B1
}

TEST(Schedule, RefusesANumberOfMicroBatchesThatIsNotAllowed) {
  EXPECT_EQ(error(create(Placement::linear(1).value(), 0, "0:")), "micro_batches is 0; allowed are 1 to 1048576");
  EXPECT_EQ(error(create(Placement::linear(1).value(), -3, "0:")), "micro_batches is 0; allowed are 1 to 1048576");
  EXPECT_EQ(error(create(Placement::linear(1).value(), (1 << 20) + 1, "0:")),
            "micro_batches is 1048577; allowed are 1 to 1048576");
}

TEST(Schedule, RefusesOrdersForAnotherNumberOfRanks) {
  EXPECT_EQ(error(two_ranks("0: F0 B0 F1 B1")), "the schedule has orders for 1 ranks; the placement has 2");
}

TEST(Schedule, RefusesAPipeThatDoesNotExist) {
  const auto schedule = Schedule::create(Placement::bidirectional(2, 1).value(), {0, 2}, tests::parse_orders("0:\n1:"));
  EXPECT_EQ(error(schedule), "micro-batch 1 is on pipe 2; the placement has pipes 0 to 1");
}

TEST(Schedule, RefusesAMissingPass) {
  EXPECT_EQ(error(two_ranks("0: F0 B0 F1 B1\n1: F0 B0")), "rank 1: F1 of stage 1 is missing");
  EXPECT_EQ(error(two_ranks("0: F0 B0 F1\n1: F0 B0 F1 B1")), "rank 0: I1 of stage 0 is missing");
  EXPECT_EQ(error(two_ranks("0: F0 B0 F1 I1\n1: F0 B0 F1 B1")), "rank 0: W1 of stage 0 is missing");
}

TEST(Schedule, RefusesAPassThatIsThereTwice) {
  EXPECT_EQ(error(two_ranks("0: F0 F0 B0\n1:")), "rank 0, slot 1 (F0): F0 of stage 0 is there twice");
  EXPECT_EQ(error(two_ranks("0: F0 B0 I0\n1:")), "rank 0, slot 2 (I0): I0 of stage 0 is there twice");
  EXPECT_EQ(error(two_ranks("0: F0 I0 B0\n1:")), "rank 0, slot 2 (B0): I0 of stage 0 is there twice");
  EXPECT_EQ(error(two_ranks("0: F0 B0 W0\n1:")), "rank 0, slot 2 (W0): W0 of stage 0 is there twice");
  EXPECT_EQ(error(two_ranks("0: F0 B0 F1&B0\n1:")), "rank 0, slot 2 (F1&B0): I0 of stage 0 is there twice");
}

TEST(Schedule, RefusesPassesOfOneMicroBatchInTheWrongOrder) {
  EXPECT_EQ(error(two_ranks("0: B0 F0\n1:")), "rank 0, slot 0 (B0): I0 of stage 0 comes before its F");
  EXPECT_EQ(error(two_ranks("0: I0 F0\n1:")), "rank 0, slot 0 (I0): I0 of stage 0 comes before its F");
  EXPECT_EQ(error(two_ranks("0: F0 W0 I0\n1:")), "rank 0, slot 1 (W0): W0 of stage 0 comes before its I");
}

TEST(Schedule, RefusesAPassOnARankThatDoesNotHoldItsStage) {
  EXPECT_EQ(error(two_ranks("0: F0@1\n1:")),
            "rank 0, slot 0 (F0): micro-batch 0 is on pipe 0, whose stage 1 is on rank 1");
  // Rank 0 also holds stage 1, but for the other pipe.
  const auto schedule =
      Schedule::create(Placement::bidirectional(2, 1).value(), {0, 1}, tests::parse_orders("0: F0@1\n1:"));
  EXPECT_EQ(error(schedule), "rank 0, slot 0 (F0): micro-batch 0 is on pipe 0, whose stage 1 is on rank 1");
}

TEST(Schedule, RefusesStagesAndMicroBatchesThatDoNotExist) {
  EXPECT_EQ(error(two_ranks("0: F0@2\n1:")), "rank 0, slot 0 (F0): stage 2 does not exist; allowed are 0 to 1");
  EXPECT_EQ(error(two_ranks("0: F2\n1:")), "rank 0, slot 0 (F2): micro-batch 2 does not exist; allowed are 0 to 1");
  EXPECT_EQ(error(two_ranks("0: F-1\n1:")), "rank 0, slot 0 (F-1): micro-batch -1 does not exist; allowed are 0 to 1");
  EXPECT_EQ(error(two_ranks("0: F0 F1&B2\n1:")),
            "rank 0, slot 1 (F1&B2): micro-batch 2 does not exist; allowed are 0 to 1");
  EXPECT_EQ(error(two_ranks("0: F0 F1&B0@7\n1:")),
            "rank 0, slot 1 (F1&B0): stage 7 does not exist; allowed are 0 to 1");
}

TEST(Schedule, RefusesAPairOfOneMicroBatch) {
  EXPECT_EQ(error(two_ranks("0: F0&B0\n1:")),
            "rank 0, slot 0 (F0&B0): a pair can't overlap two passes of one micro-batch");
}

TEST(Schedule, ReportsADeadlockAsItsCycle) {
  const auto schedule = two_ranks("0: F0 B0 F1 B1\n1: F0 F1 B0 B1");
  EXPECT_EQ(error(schedule),
            "deadlock: rank 0 in slot 1 (B0) waits for I0 of stage 1 on rank 1; "
            "rank 1 in slot 1 (F1) waits for F1 of stage 0 on rank 0");
  EXPECT_EQ(schedule.error().code, ErrorCode::kDeadlock);
}

TEST(Schedule, LeavesRanksThatOnlyWaitForTheCycleOutOfIt) {
  const auto schedule = create(Placement::linear(3).value(), 2,
                               "0: F0 F1 B0 B1\n"
                               "1: F0 B0 F1 B1\n"
                               "2: F0 F1 B0 B1\n");
  EXPECT_EQ(error(schedule),
            "deadlock: rank 1 in slot 1 (B0) waits for I0 of stage 2 on rank 2; "
            "rank 2 in slot 1 (F1) waits for F1 of stage 1 on rank 1");
}

TEST(Schedule, ReportsARankThatWaitsForItself) {
  const auto schedule = create(Placement::looped(1, 2).value(), 1, "0: F0@1 F0@0 B0@1 B0@0");
  EXPECT_EQ(error(schedule), "deadlock: rank 0 in slot 0 (F0) waits for F0 of stage 0 on rank 0");
}

TEST(Schedule, RefusesAQueueWhoseEndsDisagree) {
  EXPECT_EQ(error(two_ranks("0: F0 F1 B0 B1\n1: F1 F0 B0 B1")),
            "rank 1 takes F1 of stage 0 out of the order in which rank 0 sends it");
  EXPECT_EQ(error(two_ranks("0: F0 F1 B1 B0\n1: F0 F1 B0 B1")),
            "rank 0 takes I1 of stage 1 out of the order in which rank 1 sends it");
}

TEST(Schedule, KeepsQueuesOfDifferentDirectionsApart) {
  // Forwards (stage 2) and backwards that rank 1 sends back use two queues.
  const auto schedule = create(Placement::v(2).value(), 1, "0: F0 F0@3 B0@3 B0\n1: F0 F0@2 B0@2 B0");
  EXPECT_EQ(error(schedule), "accepted");
}

TEST(Schedule, NamesSlots) {
  EXPECT_EQ(slot_label(Slot::forward(1, 3)), "F3");
  EXPECT_EQ(slot_label(Slot::input_backward(1, 3)), "I3");
  EXPECT_EQ(slot_label(Slot::weight_backward(1, 3)), "W3");
  EXPECT_EQ(slot_label(Slot::pair(0, 3, 1, 2)), "F3&B2");
  EXPECT_EQ(slot_label(Slot::pair(0, 3, 1, 2, SlotKind::kFI)), "F3&I2");
}

TEST(Schedule, RefusesAFewPassesForAMillionMicroBatchesBeforeItAllocates) {
  const auto schedule = Schedule::create(Placement::looped(4096, 15).value(), 1 << 20, RankOrders(4096));
  ASSERT_FALSE(schedule.has_value());
  EXPECT_EQ(schedule.error().message,
            "passes are missing: the orders hold 0, 61440 stages and 1048576 micro-batches need 128849018880");
}

}  // namespace
}  // namespace pipeloom
