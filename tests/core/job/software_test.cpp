#include "core/job/software.h"

#include <gtest/gtest.h>

#include <functional>

#include "proto/job/training_rates_files.h"
#include "tests/support/models.h"

namespace pipeloom {
namespace {

std::string error_of(const std::function<void(Job&)>& change) {
  Job job = tests::llama3_405b_job();
  job.software.emplace().rates = proto::find_training_rates("H100").value();
  change(job);
  const auto made = make_job(job);
  return made ? "" : made.error().message;
}

TEST(Software, RefusesEachIllegalField) {
  EXPECT_EQ(error_of([](Job&) {}), "");
  EXPECT_EQ(error_of([](Job& job) { job.software->recipe = ProductRecipe::kNvfp4; }),
            "software.recipe is nvfp4; H100 has no FP4");
  EXPECT_EQ(error_of([](Job& job) {
              job.software->recipe = ProductRecipe::kTensorwise;
              job.software->rates.fp8_efficiency = 0;
            }),
            "software.recipe is fp8-tensorwise; H100 has no FP8");
  EXPECT_EQ(error_of([](Job& job) { job.software->gradients = Format::kFp8; }),
            "software.gradients is FP8; allowed are FP32, BF16, FP16");
  EXPECT_EQ(error_of([](Job& job) { job.software->gathered = Format::kFp32; }),
            "software.gathered is FP32; allowed are BF16, FP8");
  EXPECT_EQ(error_of([](Job& job) { job.software->rates.attention.clear(); }),
            "software.rates.attention is empty; rates of heads of 128 are needed");
  EXPECT_EQ(error_of([](Job& job) { job.software->rates.memory_efficiency = 2; }),
            "software.rates.memory_efficiency is 2; allowed are 0.01 to 1");
}

TEST(Software, NamesItsEnginesAndLosses) {
  EXPECT_STREQ(engine_name(StateEngine::kMegatron), "megatron");
  EXPECT_STREQ(engine_name(StateEngine::kDeepSpeed), "deepspeed");
  EXPECT_STREQ(loss_name(LossKernel::kFused), "fused");
  EXPECT_STREQ(loss_name(LossKernel::kEager), "eager");
}

TEST(Software, IsNeededForASlidingWindow) {
  EXPECT_EQ(error_of([](Job& job) { job.model->attention.window = 128; }), "");
  EXPECT_EQ(error_of([](Job& job) {
              job.model->attention.window = 128;
              job.software.reset();
            }),
            "model.attention.window is 128; without software only 0 is allowed");
}

}  // namespace
}  // namespace pipeloom
