#include "core/schedule/host_program.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "tests/support/orders.h"

namespace pipeloom {
namespace {

// Names messages by the slot that sends them: "F0 B1".
std::string names(const Schedule& schedule, const MessageTable& table, std::span<const uint32_t> messages) {
  std::vector<std::string> words;
  for (const uint32_t message : messages) {
    words.push_back(slot_label(schedule.slots()[table.messages()[message].producer]));
  }
  return fmt::format("{}", fmt::join(words, " "));
}

struct Programs {
  Programs(const Placement& placement, int micro_batches, const char* orders)
      : schedule(Schedule::create(placement, micro_batches, tests::parse_orders(orders)).value()),
        table(schedule),
        programs(host_programs(schedule, table)) {}
  std::string receives(int rank, uint32_t position) const {
    return names(schedule, table, programs[rank].receives(position));
  }
  std::string sent(int rank, uint32_t position) const { return names(schedule, table, programs[rank].sent(position)); }

  Schedule schedule;
  MessageTable table;
  std::vector<HostProgram> programs;
};

TEST(HostProgram, PostsAReceiveBeforeItsSlot) {
  const Programs programs(Placement::linear(2).value(), 2, "0: F0 F1 B0 B1\n1: F0 B0 F1 B1");
  EXPECT_EQ(programs.receives(0, 0), "");
  EXPECT_EQ(programs.receives(0, 2), "B0");
  EXPECT_EQ(programs.receives(1, 0), "F0");
  EXPECT_EQ(programs.receives(1, 1), "");
  EXPECT_EQ(programs.receives(1, 2), "F1");
}

// Rank 0 waits for B0 in slot 2, so slot 3 knows that F0 was taken. F1 is known to be taken only by B1, the last slot.
TEST(HostProgram, TakesASendBackOnceAMessageTellsThatItWasTaken) {
  const Programs programs(Placement::linear(2).value(), 2, "0: F0 F1 B0 B1\n1: F0 B0 F1 B1");
  EXPECT_EQ(programs.sent(0, 2), "");
  EXPECT_EQ(programs.sent(0, 3), "F0");
  EXPECT_EQ(programs.sent(1, 2), "");
}

// On a V, rank 0 sends rank 1 activations of stage 0 and gradients of stage 3. Rank 1 takes the gradient of micro-batch
// 0 first, so it must post the receive of F1 before it, although it needs F1 later.
TEST(HostProgram, PostsReceivesInTheSendersOrder) {
  const Programs programs(Placement::v(2).value(), 2,
                          "0: F0@0 F0@3 F1@0 B0@3 F1@3 B1@3 B0@0 B1@0\n"
                          "1: F0@1 F0@2 B0@2 F1@1 F1@2 B0@1 B1@2 B1@1");
  EXPECT_EQ(programs.receives(1, 0), "F0");
  EXPECT_EQ(programs.receives(1, 2), "F1 B0");
  EXPECT_EQ(programs.receives(1, 3), "");
}

}  // namespace
}  // namespace pipeloom
