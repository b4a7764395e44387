#include "sim/cost/pass_work.h"

#include <gtest/gtest.h>

#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

WorkShape shape_of(const Job& job) {
  return make_work_shape(job);
}

double forward_flops(const std::vector<ComponentWork>& parts) {
  double sum = 0;
  for (const ComponentWork& part : parts) sum += part.forward.flops();
  return sum;
}

// docs/research/costs.md, section 1: per token and MoE layer 187.1e6 + 396.4e6 weights in products (router apart),
// attention core T²/2 · 128 · 320 · 2.
TEST(Work, FlopsOfADeepSeekV3Layer) {
  const Job job = tests::deepseek_v3_job();
  const auto parts = layer_work(*job.model, shape_of(job), 10, 10);
  const double router = 2 * 4096.0 * 256 * 7168;
  const double core = 2 * 4096.0 * 4096 / 2 * 128 * 320;
  const double expected = 2 * 4096.0 * (187.1e6 + 396.4e6) + router + core;
  EXPECT_NEAR(forward_flops(parts), expected, 1e-3 * expected);
}

TEST(Work, ADenseLayerHasAMoeLayersFlops) {  // 18432 = 9 experts of 2048
  const Job job = tests::deepseek_v3_job();
  const double dense = forward_flops(layer_work(*job.model, shape_of(job), 0, 0));
  const double moe = forward_flops(layer_work(*job.model, shape_of(job), 10, 10));
  EXPECT_NEAR(dense, moe, 0.01 * moe);
}

TEST(Work, BackwardProductsHaveForwardsFlops) {
  Job job = tests::deepseek_v3_job();
  job.recompute = Recompute::kNone;
  for (const ComponentWork& part : layer_work(*job.model, shape_of(job), 10, 10)) {
    const double products = part.forward.flops() - part.forward.core_forward_flops;
    EXPECT_DOUBLE_EQ(part.input.flops() - part.input.core_backward_flops, products);
    EXPECT_DOUBLE_EQ(part.weight.flops(), products);
  }
}

TEST(Work, SelectiveRecomputationRepeatsMlasUpProjections) {
  Job job = tests::deepseek_v3_job();
  const double with = attention_work(*job.model, shape_of(job)).input.flops();
  job.recompute = Recompute::kNone;
  const double without = attention_work(*job.model, shape_of(job)).input.flops();
  EXPECT_DOUBLE_EQ(with - without, 2 * 4096.0 * (24576.0 * 1536 + 32768.0 * 512));
}

TEST(Work, FullRecomputationRunsFAgain) {
  Job job = tests::llama3_405b_job();
  const auto without = layer_work(*job.model, shape_of(job), 0, 0);
  job.recompute = Recompute::kFull;
  const auto with = layer_work(*job.model, shape_of(job), 0, 0);
  for (size_t i = 0; i < with.size(); ++i) {
    EXPECT_DOUBLE_EQ(with[i].input.flops(), without[i].input.flops() + without[i].forward.flops());
    EXPECT_EQ(with[i].input.all_reduces, 2);
  }
}

TEST(Work, TensorParallelismDividesProducts) {
  Job job = tests::llama3_405b_job();
  const double split = forward_flops(layer_work(*job.model, shape_of(job), 0, 0));
  job.layout.tensor = 1;
  EXPECT_NEAR(forward_flops(layer_work(*job.model, shape_of(job), 0, 0)), 8 * split, 1e-9 * split);
}

// docs/research/costs.md, section 6: FP8 T · 3.97 · (h + 4h/128) = 120 MB, BF16 233 MB, 7/8 of them off the node.
TEST(Work, DispatchBytesOfDeepSeekV3) {
  const Job job = tests::deepseek_v3_job();
  const ComponentWork dispatch = dispatch_work(*job.model, shape_of(job));
  EXPECT_NEAR(dispatch.forward.all_to_all.nic_bytes, 120e6 * 7 / 8, 0.01 * 120e6);
  EXPECT_NEAR(dispatch.input.all_to_all.nic_bytes, 233e6 * 7 / 8, 0.01 * 233e6);
  EXPECT_EQ(dispatch.lane, Lane::kEp);
  const ComponentWork combine = combine_work(*job.model, shape_of(job));
  EXPECT_DOUBLE_EQ(combine.forward.all_to_all.nic_bytes, dispatch.input.all_to_all.nic_bytes);
  EXPECT_DOUBLE_EQ(combine.input.all_to_all.nic_bytes, dispatch.forward.all_to_all.nic_bytes);
}

TEST(Work, WithoutExpertParallelismNothingIsDispatched) {
  Job job = tests::deepseek_v3_job();
  job.layout.expert = 1;
  for (const ComponentWork& part : layer_work(*job.model, shape_of(job), 10, 10)) {
    EXPECT_EQ(part.lane, Lane::kCompute);
  }
}

Job gpt_job(int micro_batch, int tensor) {
  Job job = tests::llama3_405b_job();
  job.model = tests::gpt3_175b();
  job.batch = {.sequence_length = 2048, .micro_batch_size = micro_batch, .global_batch = 128};
  job.micro_batches = 0;
  job.layout.tensor = tensor;
  job.layout.data = 64 / tensor;
  job.attention_kernel = AttentionKernel::kUnfused;
  return make_job(job).value();
}

// Megatron-LM's count: 24 B s h^2 + 4 B s^2 h of a forward layer (Korthikanti et al., MLSys 2023, appendix A).
TEST(Work, UnfusedAttentionComputesWholeSquares) {
  const Job job = gpt_job(1, 8);
  const double expected = (24 * 2048.0 * 12288 * 12288 + 4 * 2048.0 * 2048 * 12288) / 8;
  EXPECT_DOUBLE_EQ(forward_flops(layer_work(*job.model, shape_of(job), 0, 0)), expected);
}

// Megatron-LM's fused softmax needs a multiple of 4 of heads x sequences.
TEST(Work, OddHeadsRunTheSoftmaxUnfused) {
  Job job = gpt_job(1, 8);
  const PassWork fused = attention_work(*job.model, shape_of(job)).input;
  job.model->attention.heads = job.model->attention.kv_heads = 16;  // 2 a GPU
  const PassWork unfused = attention_work(*job.model, shape_of(job)).input;
  EXPECT_GT(unfused.kernels, fused.kernels);
  EXPECT_EQ(attention_work(*job.model, shape_of(gpt_job(2, 8))).input.kernels, fused.kernels);
}

TEST(Work, SelectiveRecomputationRunsTheUnfusedCoreAgain) {
  Job job = gpt_job(1, 8);
  const PassWork without = attention_work(*job.model, shape_of(job)).input;
  job.recompute = Recompute::kSelective;
  const PassWork with = attention_work(*job.model, shape_of(job)).input;
  EXPECT_DOUBLE_EQ(with.flops() - without.flops(), 4 * 2048.0 * 2048 * 12288 / 8);
}

// Llama 3 (section 3.3.2): every GPU has a share of the tokens and gathers all keys and values.
TEST(Work, ContextParallelismSplitsTokensAndGathersKeys) {
  Job job = tests::llama3_405b_job();
  const PassWork whole = attention_work(*job.model, shape_of(job)).forward;
  EXPECT_EQ(whole.context_bytes, 0);
  EXPECT_EQ(attention_work(*job.model, shape_of(job)).input.context_bytes, 0);
  job.layout.context = 4;
  const PassWork share = attention_work(*job.model, shape_of(job)).forward;
  EXPECT_DOUBLE_EQ(share.flops(), whole.flops() / 4);
  EXPECT_DOUBLE_EQ(share.context_bytes, 8192.0 * 2 * 1024 / 8 * 2);  // 8 heads of 128, keys and values, over TP8
  // Gathered again, and their gradients scattered.
  EXPECT_DOUBLE_EQ(attention_work(*job.model, shape_of(job)).input.context_bytes, 2 * share.context_bytes);
}

// MLA's keys and values travel as attention reads them: latents would need their up-projections on every GPU.
TEST(Work, ContextParallelismMovesWholeKeysOfMla) {
  Job job = tests::deepseek_v3_job();
  job.layout.context = 2;
  EXPECT_DOUBLE_EQ(attention_work(*job.model, shape_of(job)).forward.context_bytes, 2.0 * 4096 * 128 * (192 + 128));
}

// A mask of a byte a number is written forward; backward the mask and the gradient are read, the masked one written.
TEST(Work, DropoutMovesMasks) {
  Job job = gpt_job(1, 1);
  job.model->dropout = false;
  const ComponentWork without = mlp_work(*job.model, shape_of(job));
  job.model->dropout = true;
  const ComponentWork with = mlp_work(*job.model, shape_of(job));
  EXPECT_DOUBLE_EQ(with.forward.memory_bytes - without.forward.memory_bytes, 2048.0 * 12288);
  EXPECT_DOUBLE_EQ(with.input.memory_bytes - without.input.memory_bytes, (2 + 1 + 2) * 2048.0 * 12288);
}

TEST(Work, WithoutSequenceParallelismNormsAreNotSplit) {
  Job job = tests::llama3_405b_job();
  const double split = mlp_work(*job.model, shape_of(job)).forward.memory_bytes;
  job.layout.sequence_parallel = false;
  const double whole = mlp_work(*job.model, shape_of(job)).forward.memory_bytes;
  EXPECT_DOUBLE_EQ(whole - split, 10.0 * 8192 * 16384 * 7 / 8);
}

}  // namespace
}  // namespace pipeloom::sim
