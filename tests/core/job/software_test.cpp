#include "core/job/software.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

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
  EXPECT_EQ(error_of([](Job& job) { job.software->dispatcher = Dispatcher::kAllGather; }),
            "software.dispatcher is allgather, which has no costs; allowed are alltoall, deepep, hybridep");
  EXPECT_EQ(error_of([](Job& job) { job.software->rates.attention.clear(); }),
            "software.rates.attention is empty; rates of heads of 128 are needed");
  EXPECT_EQ(error_of([](Job& job) { job.software->rates.memory_efficiency = 2; }),
            "software.rates.memory_efficiency is 2; allowed are 0.01 to 1");
}

TEST(Software, RefusesEveryRateThatIsNoNumber) {
  for (const auto field : {&TrainingRates::bf16_efficiency,
                           &TrainingRates::fp8_efficiency,
                           &TrainingRates::fp4_efficiency,
                           &TrainingRates::fp4_flops,
                           &TrainingRates::rowwise_share,
                           &TrainingRates::sustained_clock,
                           &TrainingRates::tensor_ring_share,
                           &TrainingRates::replica_ring_share,
                           &TrainingRates::product_memory_efficiency,
                           &TrainingRates::bf16_start_us,
                           &TrainingRates::fp8_start_us,
                           &TrainingRates::fp4_start_us,
                           &TrainingRates::memory_efficiency,
                           &TrainingRates::transposed_bytes,
                           &TrainingRates::attention_slowdown,
                           &TrainingRates::window_forward_flops,
                           &TrainingRates::window_backward_flops,
                           &TrainingRates::sdpa_forward_flops,
                           &TrainingRates::sdpa_backward_flops,
                           &TrainingRates::ring_start_us,
                           &TrainingRates::dispatch_bytes_per_s,
                           &TrainingRates::node_dispatch_bytes_per_s,
                           &TrainingRates::all_to_all_efficiency,
                           &TrainingRates::host_us_per_op,
                           &TrainingRates::host_us_per_launch}) {
    for (const double bad : {std::numeric_limits<double>::quiet_NaN(), -1.0, 1e300}) {
      const std::string error = error_of([&](Job& job) { job.software->rates.*field = bad; });
      EXPECT_TRUE(error.starts_with("software.rates.")) << error;
    }
  }
  for (const auto flops : {&AttentionRates::forward_flops, &AttentionRates::backward_flops}) {
    const std::string error = error_of([&](Job& job) {
      (job.software->rates.attention.front().*flops).front() = std::numeric_limits<double>::quiet_NaN();
    });
    EXPECT_EQ(error, "software.rates.attention: a rate is nan; allowed are 1000000000 to 1e+18");
  }
}

TEST(Software, SaysThatARateMayBeMissing) {
  EXPECT_EQ(error_of([](Job& job) { job.software->rates.fp4_flops = 5; }),
            "software.rates.fp4_flops (0: none) is 5; allowed are 1000000000 to 1e+18");
}

TEST(Software, HasBothRatesOfSdpaOrNeither) {
  EXPECT_EQ(error_of([](Job& job) {
              job.software->rates.sdpa_forward_flops = 0;
              job.software->rates.sdpa_backward_flops = 0;
            }),
            "");
  EXPECT_EQ(error_of([](Job& job) { job.software->rates.sdpa_backward_flops = 0; }),
            "software.rates.sdpa_forward_flops is given and sdpa_backward_flops is not; give both or neither");
  EXPECT_EQ(error_of([](Job& job) { job.software->rates.sdpa_forward_flops = 0; }),
            "software.rates.sdpa_backward_flops is given and sdpa_forward_flops is not; give both or neither");
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
