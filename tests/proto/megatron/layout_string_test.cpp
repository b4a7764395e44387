#include "proto/megatron/layout_string.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/megatron/layer_pattern.h"

namespace pipeloom::proto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string problem(std::string_view layout) {
  const auto stages = parse_megatron_layout(layout);
  EXPECT_FALSE(stages) << layout;
  return stages ? "" : stages.error().message;
}

// Megatron-LM's own two ways to write one layout, and what they mean.
TEST(MegatronLayout, IsReadAsMegatronReadsIt) {
  const auto stages = parse_megatron_layout("Ettt|(tt|)*29,m|L");
  ASSERT_TRUE(stages) << stages.error().message;
  ASSERT_EQ(stages->layers_per_stage.size(), 32U);
  EXPECT_EQ(stages->layers_per_stage.front(), 3);
  for (int stage = 1; stage <= 29; ++stage) EXPECT_EQ(stages->layers_per_stage[static_cast<size_t>(stage)], 2);
  EXPECT_EQ(stages->layers_per_stage[30], 0);
  EXPECT_EQ(stages->layers_per_stage[31], 0);
  EXPECT_EQ(stages->mtp_depth, 1);
  EXPECT_EQ(stages->mtp_stage, 30);
  EXPECT_EQ(parse_megatron_layout("Et*3|(tt|)*29,m|L"), *stages);
}

TEST(MegatronLayout, ComesBack) {
  const std::vector<int> layers = {3, 0, 1, 12};
  const auto stages = parse_megatron_layout(megatron_layout(layers, 2));
  ASSERT_TRUE(stages) << stages.error().message;
  EXPECT_EQ(stages->layers_per_stage, layers);
  EXPECT_EQ(stages->mtp_depth, 2);
  EXPECT_EQ(stages->mtp_stage, 3);
}

TEST(MegatronLayout, WhatIsWrongIsNamed) {
  EXPECT_THAT(problem("tE|L"), HasSubstr("begin with its only E"));
  EXPECT_THAT(problem("Et|t"), HasSubstr("end with its only L"));
  EXPECT_THAT(problem("EtxL"), HasSubstr("\"x\" is none of"));
  EXPECT_THAT(problem("E(t|(t)*2)*2L"), HasSubstr("a ( is nested or not closed"));
  EXPECT_THAT(problem("E(t|L"), HasSubstr("a ( is nested or not closed"));
  EXPECT_THAT(problem("Et*L"), HasSubstr("a number must follow each *"));
  EXPECT_THAT(problem("Emt|mL"), HasSubstr("several stages"));
  EXPECT_THAT(problem("E(t*90000)*90000L"), HasSubstr("longer than"));
  EXPECT_THAT(problem("Et*99999999999999999999999L"), HasSubstr("a number must follow"));
}

MoeShape moe_of(std::string_view pattern, int layers) {
  MoeShape moe;
  const Status status = set_moe_layers(pattern, layers, &moe);
  EXPECT_TRUE(status) << status.error().message;
  return moe;
}

TEST(MoeLayers, AreDenseOnesFirstThenEveryNth) {
  EXPECT_EQ(moe_of("1", 4).first_dense_layers, 0);
  EXPECT_EQ(moe_of("2", 5).layer_step, 2);
  EXPECT_EQ(moe_of("([0]*3+[1]*58)", 61).first_dense_layers, 3);
  EXPECT_EQ(moe_of("([0]*3+[1]*58)", 61).layer_step, 1);
  EXPECT_EQ(moe_of("[0, 1]*2 + [0,1]", 6).first_dense_layers, 1);
  EXPECT_EQ(moe_of("[0, 1]*2 + [0,1]", 6).layer_step, 2);
  EXPECT_EQ(moe_of("[0,0,1]", 3).layer_step, 1);
}

TEST(MoeLayers, OthersAreRefused) {
  MoeShape moe;
  const auto refused = [&](std::string_view pattern, int layers) {
    const Status status = set_moe_layers(pattern, layers, &moe);
    EXPECT_FALSE(status) << pattern;
    return status ? "" : status.error().message;
  };
  EXPECT_THAT(refused("[1,0,0,1,1]", 5), HasSubstr("dense layers first"));
  EXPECT_THAT(refused("[0]*4", 4), HasSubstr("no layer has experts"));
  EXPECT_THAT(refused("[1]*4", 5), HasSubstr("it has 4 layers; --num-layers is 5"));
  for (const char* wrong : {"0", "-1", "", "[2]", "[1", "([1]", "[1]*", "[1]+", "[1]*1000000000", "$X"}) {
    EXPECT_THAT(refused(wrong, 4), HasSubstr("allowed are a number and lists")) << wrong;
  }
  EXPECT_THAT(refused(std::string(10'000, '('), 4), HasSubstr("allowed are"));
}

}  // namespace
}  // namespace pipeloom::proto
