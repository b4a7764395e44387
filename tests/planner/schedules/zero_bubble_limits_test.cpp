#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sim/report/memory.h"
#include "tests/planner/schedules/zero_bubble_cases.h"
#include "tests/planner/schedules/zero_bubble_support.h"

namespace pipeloom::tests {
namespace {

using testing::HasSubstr;

planner::PipelineShape shape_of(int ranks, int micro_batches) {
  planner::PipelineShape shape;
  shape.ranks = ranks;
  shape.micro_batches = micro_batches;
  return shape;
}

const ZeroBubbleCase* case_of(const std::string& reference) {
  for (const ZeroBubbleCase& schedule : zero_bubble_cases()) {
    if (schedule.reference == reference) return &schedule;
  }
  return nullptr;
}

TEST(ZeroBubbleLimits, WhatTheReferencesAcceptIsAccepted) {
  int rows = 0;
  for (auto& row : read_csv("vectors/CONSTRAINTS.csv")) {
    std::string name = row["schedule"];
    if (name == "ZBVZeroBubble") name = "zbv_pytorch";
    if (name == "zb1p") name = "zb1p_victarry";
    const ZeroBubbleCase* schedule = case_of(name);
    if (schedule == nullptr || row["verdict"] != "accept") continue;
    const planner::PipelineShape shape = shape_of(std::stoi(row["P"]), std::stoi(row["M"]));
    const OwnedInputs inputs = unit_inputs(schedule->stages_per_rank * shape.ranks, shape.ranks);
    const auto generated = schedule->generate(shape, inputs.view());
    EXPECT_TRUE(generated.has_value()) << name << " M=" << shape.micro_batches << ": " << generated.error().message;
    ++rows;
  }
  EXPECT_GE(rows, 12);
}

TEST(ZeroBubbleLimits, FewerMicroBatchesThanRanksAreFine) {
  for (const ZeroBubbleCase& schedule : zero_bubble_cases()) {
    const OwnedInputs inputs = unit_inputs(schedule.stages_per_rank * 8, 8);
    EXPECT_TRUE(schedule.generate(shape_of(8, 4), inputs.view()).has_value()) << schedule.name;
  }
}

TEST(ZeroBubbleLimits, AVHasTwoChunks) {
  for (const ZeroBubbleCase& schedule : zero_bubble_cases()) {
    const OwnedInputs inputs = unit_inputs(schedule.stages_per_rank * 4, 4);
    planner::PipelineShape shape = shape_of(4, 8);
    shape.chunks = 2;
    EXPECT_TRUE(schedule.generate(shape, inputs.view()).has_value()) << schedule.name;
    shape.chunks = 3;
    const auto generated = schedule.generate(shape, inputs.view());
    ASSERT_EQ(generated.has_value(), schedule.stages_per_rank == 1) << schedule.name;
    if (generated) continue;
    EXPECT_EQ(generated.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(generated.error().message, "chunks is 3; a V has exactly 2 per rank");
  }
}

TEST(ZeroBubbleLimits, ShapesThatDoNotExistAreRefused) {
  for (const ZeroBubbleCase& schedule : zero_bubble_cases()) {
    const OwnedInputs inputs = unit_inputs(schedule.stages_per_rank * 4, 4);
    const auto no_micro_batch = schedule.generate(shape_of(4, 0), inputs.view());
    ASSERT_FALSE(no_micro_batch.has_value()) << schedule.name;
    EXPECT_EQ(no_micro_batch.error().message, "micro_batches is 0; allowed are 1 to 1048576");
    const auto no_rank = schedule.generate(shape_of(0, 4), inputs.view());
    ASSERT_FALSE(no_rank.has_value()) << schedule.name;
    EXPECT_THAT(no_rank.error().message, HasSubstr("ranks is 0"));
  }
}

TEST(ZeroBubbleLimits, MemoryForLessThanOneMicroBatchIsRefused) {
  for (const char* name : {"zb_h1", "zb_h2", "zbv"}) {
    const ZeroBubbleCase& schedule = *case_of(name);
    OwnedInputs inputs = unit_inputs(schedule.stages_per_rank * 8, 8);
    inputs.activations.assign(schedule.stages_per_rank * 8, ActivationSize{10, 10});
    inputs.memory_limit = 4;
    const auto generated = schedule.generate(shape_of(8, 16), inputs.view());
    ASSERT_FALSE(generated.has_value()) << name;
    EXPECT_EQ(generated.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(generated.error().message, "memory_limit is 4; one micro-batch of one stage already holds 10");
  }
}

// Where W needs more than F kept, an I takes memory: the schedules leave room for one, and run W's in time.
TEST(ZeroBubbleLimits, AWeightShareAboveOneStaysWithinTheMemory) {
  for (const char* name : {"zb_h1", "zb_h2", "zbv"}) {
    const ZeroBubbleCase& schedule = *case_of(name);
    const int stages = schedule.stages_per_rank * 6;
    OwnedInputs inputs = unit_inputs(stages, 6);
    inputs.activations.assign(stages, ActivationSize{10, 18});
    const int64_t usual = (std::string_view(name) == "zb_h2" ? 2 : 1) * stages * 10 + 8;
    for (const int64_t limit : {int64_t{0}, usual, usual + 35}) {
      inputs.memory_limit = limit;
      const auto generated = schedule.generate(shape_of(6, 20), inputs.view());
      ASSERT_TRUE(generated.has_value()) << name << ": " << generated.error().message;
      for (const int64_t peak : sim::peak_activations(*generated, inputs.activations)) {
        EXPECT_LE(peak, limit == 0 ? usual : limit) << name;
      }
    }
    inputs.memory_limit = 17;
    const auto too_little = schedule.generate(shape_of(6, 20), inputs.view());
    ASSERT_FALSE(too_little.has_value()) << name;
    EXPECT_EQ(too_little.error().message, "memory_limit is 17; one micro-batch of one stage already holds 18");
  }
}

TEST(ZeroBubbleLimits, ZbVRefusesMemoryThatItsWarmUpDoesNotFit) {
  OwnedInputs inputs = unit_inputs(8, 4);
  inputs.memory_limit = 7;
  const auto generated = planner::zb_v(shape_of(4, 8), inputs.view());
  ASSERT_FALSE(generated.has_value());
  EXPECT_EQ(generated.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(generated.error().message, "memory_limit is 7; ZB-V would hold 8 on one rank");
}

TEST(ZeroBubbleLimits, ActivationSizesAreChecked) {
  OwnedInputs inputs = unit_inputs(4, 4);
  inputs.activations.assign(4, ActivationSize{10, 10});
  inputs.activations[2].kept_for_weight = -1;
  const auto negative_share = planner::zb_h1(shape_of(4, 8), inputs.view());
  ASSERT_FALSE(negative_share.has_value());
  EXPECT_EQ(negative_share.error().message,
            "activations of stage 2: kept_for_weight is -1; allowed are 0 to 4398046511104");
  inputs.activations[2] = {-1, 0};
  const auto negative = planner::zb_h1(shape_of(4, 8), inputs.view());
  ASSERT_FALSE(negative.has_value());
  EXPECT_THAT(negative.error().message, HasSubstr("activations of stage 2: total is -1; allowed are 0 to"));
}

class ZeroBubbleSweep : public testing::TestWithParam<ZeroBubbleCase> {};

// Schedule::create proves that what is accepted is complete.
TEST_P(ZeroBubbleSweep, EveryShapeIsAcceptedWithItsOwnLimit) {
  for (int ranks = 1; ranks <= 9; ++ranks) {
    for (int micro_batches = 1; micro_batches <= 20; ++micro_batches) {
      for (const int longest : {1, 4, 1000}) {
        const uint32_t seed = static_cast<uint32_t>(ranks * 100 + micro_batches);
        const OwnedInputs inputs = random_inputs(GetParam().stages_per_rank * ranks, ranks, seed, longest);
        const auto generated = GetParam().generate(shape_of(ranks, micro_batches), inputs.view());
        EXPECT_TRUE(generated.has_value()) << ranks << " ranks, " << micro_batches << " micro-batches, longest "
                                           << longest << ": " << generated.error().message;
      }
    }
  }
}

// How many shapes up to 9 ranks and 20 micro-batches the schedule accepts with that limit; all others must say why not.
int accepted_within(const ZeroBubbleCase& schedule, int64_t memory_limit) {
  int accepted = 0;
  for (int ranks = 1; ranks <= 9; ++ranks) {
    for (int micro_batches = 1; micro_batches <= 20; ++micro_batches) {
      const uint32_t seed = static_cast<uint32_t>(ranks * 100 + micro_batches);
      OwnedInputs inputs = random_inputs(schedule.stages_per_rank * ranks, ranks, seed, 50);
      inputs.memory_limit = memory_limit;
      const auto generated = schedule.generate(shape_of(ranks, micro_batches), inputs.view());
      if (!generated) {
        EXPECT_EQ(generated.error().code, ErrorCode::kUnsupported) << generated.error().message;
        EXPECT_THAT(generated.error().message, HasSubstr("memory_limit is"));
        continue;
      }
      ++accepted;
      for (const int64_t peak : peak_memory(*generated, inputs.activations)) EXPECT_LE(peak, memory_limit);
    }
  }
  return accepted;
}

TEST(ZeroBubbleLimits, AMemoryLimitIsKeptOrRefused) {
  for (const char* name : {"zb_h1", "zb_h2", "zbv"}) {
    SCOPED_TRACE(name);
    EXPECT_LT(accepted_within(*case_of(name), 60), 180);
    for (const int64_t limit : {120, 300, 700}) EXPECT_GT(accepted_within(*case_of(name), limit), 0);
    EXPECT_EQ(accepted_within(*case_of(name), 1800), 180) << "18 chunks of at most 100 each";
  }
}

TEST_P(ZeroBubbleSweep, TheOwnLimitIsKept) {
  const int micro_batches_per_rank = GetParam().own_limit;
  for (int ranks = 1; ranks <= 9; ++ranks) {
    const OwnedInputs inputs = unit_inputs(GetParam().stages_per_rank * ranks, ranks);
    const auto generated = GetParam().generate(shape_of(ranks, 24), inputs.view());
    ASSERT_TRUE(generated.has_value()) << generated.error().message;
    for (const int64_t peak : peak_memory(*generated, {})) EXPECT_LE(peak, micro_batches_per_rank * ranks);
  }
}

std::string case_name(const testing::TestParamInfo<ZeroBubbleCase>& test) {
  return test.param.name;
}

INSTANTIATE_TEST_SUITE_P(All, ZeroBubbleSweep, testing::ValuesIn(zero_bubble_cases()), case_name);

}  // namespace
}  // namespace pipeloom::tests
