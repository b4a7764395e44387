#include "core/schedule/batches.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/orders.h"

namespace pipeloom {
namespace {

// Names a batch's messages by the slots at their ends: "F0>" for an output that leaves, ">B0" for an input that comes.
std::string batch(const Schedule& schedule, int rank, size_t position) {
  const MessageTable table(schedule);
  const Batches batches(schedule, table);
  std::vector<std::string> messages;
  for (const uint32_t number : batches.messages(rank, static_cast<uint32_t>(position))) {
    const Message& message = table.messages()[number];
    const bool sends = schedule.placement().queues()[message.queue].source == rank;
    messages.push_back(sends ? fmt::format("{}>", slot_label(schedule.slots()[message.producer]))
                             : fmt::format(">{}", slot_label(schedule.slots()[message.consumer])));
  }
  return fmt::format("{}", fmt::join(messages, " "));
}

TEST(Batches, HoldTheOutputBeforeAndTheInputAfter) {
  const Schedule schedule =
      Schedule::create(Placement::linear(2).value(), 2, tests::parse_orders("0: F0 F1 B0 B1\n1: F0 B0 F1 B1")).value();
  EXPECT_EQ(batch(schedule, 0, 0), "");
  EXPECT_EQ(batch(schedule, 0, 1), "F0>");
  EXPECT_EQ(batch(schedule, 0, 2), "F1> >B0");
  EXPECT_EQ(batch(schedule, 0, 4), "");
  EXPECT_EQ(batch(schedule, 1, 0), ">F0");
  EXPECT_EQ(batch(schedule, 1, 1), "");
  EXPECT_EQ(batch(schedule, 1, 2), ">F1 B0>");
  EXPECT_EQ(batch(schedule, 1, 4), "B1>");
}

TEST(Batches, MoveWithTheFlagsOfASlot) {
  RankOrders orders = tests::parse_orders("0: F0 F1 B0 B1\n1: F0 B0 F1 B1");
  orders[0][0].send_later = 1;
  orders[0][3].send_later = 1;  // the last batch can't be later
  orders[1][2].receive_early = 2;
  orders[1][0].receive_early = 1;  // the first batch can't be earlier
  const Schedule schedule = Schedule::create(Placement::linear(2).value(), 2, orders).value();
  EXPECT_EQ(batch(schedule, 0, 1), "");
  EXPECT_EQ(batch(schedule, 0, 2), "F0> F1> >B0");
  EXPECT_EQ(batch(schedule, 1, 0), ">F0 >F1");
  EXPECT_EQ(batch(schedule, 1, 2), "B0>");
}

TEST(Batches, AMessageMayNotOvertakeAnotherOnItsQueue) {
  RankOrders orders = tests::parse_orders("0: F0 F1 B0 B1\n1: F0 B0 F1 B1");
  orders[0][0].send_later = 2;
  const auto schedule = Schedule::create(Placement::linear(2).value(), 2, orders);
  ASSERT_FALSE(schedule.has_value());
  EXPECT_EQ(schedule.error().message, "rank 0: F1 would overtake the message before it in a batch of blocking P2P");
}

TEST(Batches, LeaveHandOversOnOneRankOut) {
  const Schedule schedule =
      Schedule::create(Placement::v(1).value(), 1, tests::parse_orders("0: F0 F0@1 B0@1 B0")).value();
  for (size_t position = 0; position <= 4; ++position) EXPECT_EQ(batch(schedule, 0, position), "");
}

TEST(Batches, KnowBothEndsOfAPair) {
  const Schedule schedule =
      Schedule::create(Placement::linear(2).value(), 2, tests::parse_orders("0: F0 F1 B0 B1\n1: F0 F1&B0 B1")).value();
  EXPECT_EQ(batch(schedule, 1, 1), ">F1&B0");
  EXPECT_EQ(batch(schedule, 1, 2), "F1&B0>");
  EXPECT_EQ(batch(schedule, 0, 2), "F1> >B0");
}

}  // namespace
}  // namespace pipeloom
