#include "backend/runtime/messages/clock.h"

#include <gtest/gtest.h>

#include "backend/transport/threads.h"

namespace pipeloom::backend {
namespace {

constexpr int64_t kPatience_ns = 10'000'000'000;
constexpr int64_t kAhead_ns = 5'000'000'000;

// Rank 1's clock is that far behind, and slower by this many parts in a million.
SteadyClock other_machine(int64_t parts) {
  return {1, [=] {
            const int64_t now_ns = steady_now_ns();
            return now_ns - kAhead_ns - now_ns / 1'000'000 * parts;
          }};
}

TEST(Clock, OfAnotherMachineIsReadWithinTheStatedError) {
  const Status status = run_on_threads(3, [](Endpoint& endpoint) -> Status {
    const SteadyClock clock = endpoint.rank() == 1 ? other_machine(0) : SteadyClock{0, steady_now_ns};
    PIPELOOM_TRY(const ClockReading reading, read_clock(endpoint, 7, clock, kPatience_ns));
    if (endpoint.rank() == 1) {
      EXPECT_GT(reading.error_ns, 0);
      EXPECT_LT(reading.error_ns, 1'000'000'000);
      EXPECT_NEAR(static_cast<double>(reading.ahead_ns), kAhead_ns, static_cast<double>(reading.error_ns));
    } else {  // of rank 0's machine
      EXPECT_EQ(reading.ahead_ns, 0);
      EXPECT_EQ(reading.error_ns, 0);
    }
    return {};
  });
  EXPECT_TRUE(status.has_value());
}

TEST(Clock, ADriftBetweenTwoReadingsIsFollowed) {
  const ClockLine line({100, 1'000, 3}, {1'100, 1'200, 5});
  EXPECT_EQ(line.of_rank_0(100), 1'100);
  EXPECT_EQ(line.of_rank_0(600), 1'700);
  EXPECT_EQ(line.of_rank_0(1'100), 2'300);
  EXPECT_EQ(line.error_ns(), 5);
  const ClockLine once({100, 1'000, 3}, {100, 1'000, 3});
  EXPECT_EQ(once.of_rank_0(100'000), 101'000);
}

TEST(Clock, ThisMachineHasAName) {
  EXPECT_EQ(clock_of_this_machine().machine, clock_of_this_machine().machine);
  EXPECT_NE(clock_of_this_machine().machine, 0u);
}

}  // namespace
}  // namespace pipeloom::backend
