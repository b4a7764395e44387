#include "sim/cost/routing.h"

#include <gtest/gtest.h>

#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

TEST(Routing, ExpectedDistinctOfSmallCases) {
  EXPECT_DOUBLE_EQ(expected_distinct(4, 1, 3), 3);                   // one ball each: never the same bin
  EXPECT_DOUBLE_EQ(expected_distinct(2, 2, 2), 2 * (1 - 2.0 / 12));  // both from one bin: 4 of 12 ordered draws
  EXPECT_DOUBLE_EQ(expected_distinct(1, 8, 5), 1);
}

// A Monte Carlo of DeepSeek-V3's router on random scores gives 3.97 nodes and 7.49 GPUs (docs/research/costs.md,
// section 1). The formula leaves out that chosen groups hold high scores: 2 %.
TEST(Routing, NodeLimitedRoutingOfDeepSeekV3) {
  const Routing routing = make_routing(*tests::deepseek_v3().moe, {64, 8});
  EXPECT_EQ(routing.nodes, 8);
  EXPECT_NEAR(routing.nodes_per_token, 3.97, 0.02 * 3.97);
  EXPECT_NEAR(routing.gpus_per_token, 7.49, 0.02 * 7.49);
  EXPECT_DOUBLE_EQ(routing.off_node_share(), 7.0 / 8);
  EXPECT_DOUBLE_EQ(routing.off_gpu_share(), 7.0 / 8);
}

TEST(Routing, WithoutGroupsEveryNodeIsInReach) {
  MoeShape moe = *tests::deepseek_v3().moe;
  moe.groups = moe.groups_per_token = 1;
  const Routing routing = make_routing(moe, {64, 8});
  EXPECT_GT(routing.nodes_per_token, 5);  // 8 draws over 8 nodes: 8 (1 - (7/8)^8) = 5.2 with replacement
  EXPECT_LT(routing.nodes_per_token, 5.5);
}

TEST(Routing, OneGpuKeepsEverything) {
  const Routing routing = make_routing(*tests::mixtral_8x7b().moe, {1, 1});
  EXPECT_DOUBLE_EQ(routing.gpus_per_token, 1);
  EXPECT_DOUBLE_EQ(routing.nodes_per_token, 1);
  EXPECT_DOUBLE_EQ(routing.off_node_share(), 0);
  EXPECT_DOUBLE_EQ(routing.off_gpu_share(), 0);
}

}  // namespace
}  // namespace pipeloom::sim
