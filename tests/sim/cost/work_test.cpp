#include "sim/cost/work.h"

#include <gtest/gtest.h>

#include "tests/support/models.h"

namespace pipeloom {
namespace {

WorkShape shape_of(const Job& job) {
  return make_work_shape(job);
}

double forward_flops(const std::vector<ComponentWork>& parts) {
  double sum = 0;
  for (const ComponentWork& part : parts) sum += part.forward.flops();
  return sum;
}

// docs/costs.md, section 1: per token and MoE layer 187.1e6 + 396.4e6 weights in products (router apart), attention
// core T²/2 · 128 · 320 · 2.
TEST(Work, FlopsOfADeepSeekV3Layer) {
  const Job job = test::deepseek_v3_job();
  const auto parts = layer_work(*job.model, shape_of(job), 10, 10);
  const double router = 2 * 4096.0 * 256 * 7168;
  const double core = 2 * 4096.0 * 4096 / 2 * 128 * 320;
  const double expected = 2 * 4096.0 * (187.1e6 + 396.4e6) + router + core;
  EXPECT_NEAR(forward_flops(parts), expected, 1e-3 * expected);
}

TEST(Work, ADenseLayerHasAMoeLayersFlops) {  // 18432 = 9 experts of 2048
  const Job job = test::deepseek_v3_job();
  const double dense = forward_flops(layer_work(*job.model, shape_of(job), 0, 0));
  const double moe = forward_flops(layer_work(*job.model, shape_of(job), 10, 10));
  EXPECT_NEAR(dense, moe, 0.01 * moe);
}

TEST(Work, BackwardProductsHaveForwardsFlops) {
  Job job = test::deepseek_v3_job();
  job.recompute = Recompute::kNone;
  for (const ComponentWork& part : layer_work(*job.model, shape_of(job), 10, 10)) {
    const double products = part.forward.flops() - part.forward.core_forward_flops;
    EXPECT_DOUBLE_EQ(part.input.flops() - part.input.core_backward_flops, products);
    EXPECT_DOUBLE_EQ(part.weight.flops(), products);
  }
}

TEST(Work, SelectiveRecomputationRepeatsMlasUpProjections) {
  Job job = test::deepseek_v3_job();
  const double with = attention_work(*job.model, shape_of(job)).input.flops();
  job.recompute = Recompute::kNone;
  const double without = attention_work(*job.model, shape_of(job)).input.flops();
  EXPECT_DOUBLE_EQ(with - without, 2 * 4096.0 * (24576.0 * 1536 + 32768.0 * 512));
}

TEST(Work, FullRecomputationRunsFAgain) {
  Job job = test::llama3_405b_job();
  const auto without = layer_work(*job.model, shape_of(job), 0, 0);
  job.recompute = Recompute::kFull;
  const auto with = layer_work(*job.model, shape_of(job), 0, 0);
  for (size_t i = 0; i < with.size(); ++i) {
    EXPECT_DOUBLE_EQ(with[i].input.flops(), without[i].input.flops() + without[i].forward.flops());
    EXPECT_EQ(with[i].input.all_reduces, 2);
  }
}

TEST(Work, TensorParallelismDividesProducts) {
  Job job = test::llama3_405b_job();
  const double split = forward_flops(layer_work(*job.model, shape_of(job), 0, 0));
  job.layout.tensor = 1;
  EXPECT_NEAR(forward_flops(layer_work(*job.model, shape_of(job), 0, 0)), 8 * split, 1e-9 * split);
}

// docs/costs.md, section 6: FP8 T · 3.97 · (h + 4h/128) = 120 MB, BF16 233 MB, 7/8 of them off the node.
TEST(Work, DispatchBytesOfDeepSeekV3) {
  const Job job = test::deepseek_v3_job();
  const ComponentWork dispatch = dispatch_work(*job.model, shape_of(job));
  EXPECT_NEAR(dispatch.forward.all_to_all.nic_bytes, 120e6 * 7 / 8, 0.01 * 120e6);
  EXPECT_NEAR(dispatch.input.all_to_all.nic_bytes, 233e6 * 7 / 8, 0.01 * 233e6);
  EXPECT_EQ(dispatch.lane, Lane::kEp);
  const ComponentWork combine = combine_work(*job.model, shape_of(job));
  EXPECT_DOUBLE_EQ(combine.forward.all_to_all.nic_bytes, dispatch.input.all_to_all.nic_bytes);
  EXPECT_DOUBLE_EQ(combine.input.all_to_all.nic_bytes, dispatch.forward.all_to_all.nic_bytes);
}

TEST(Work, WithoutExpertParallelismNothingIsDispatched) {
  Job job = test::deepseek_v3_job();
  job.layout.expert = 1;
  for (const ComponentWork& part : layer_work(*job.model, shape_of(job), 10, 10)) {
    EXPECT_EQ(part.lane, Lane::kCompute);
  }
}

}  // namespace
}  // namespace pipeloom
