#include "planner/cli/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>

namespace pipeloom::tests {
namespace {

TEST(Interrupt, RaisesItsFlagOnceAndLeavesTheSignalAsItWas) {
  const auto before = std::signal(SIGINT, SIG_IGN);
  {
    const planner::Interrupt interrupt;
    EXPECT_FALSE(interrupt.raised());
    std::raise(SIGINT);
    EXPECT_TRUE(interrupt.raised());
    // The second one ends the program.
    EXPECT_EQ(std::signal(SIGINT, SIG_IGN), SIG_DFL);
  }
  EXPECT_EQ(std::signal(SIGINT, before), SIG_IGN);
  const planner::Interrupt again;
  EXPECT_FALSE(again.raised());
}

}  // namespace
}  // namespace pipeloom::tests
