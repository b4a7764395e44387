#include "sim/cost/saved_tensors.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/support/framework_jobs.h"

namespace pipeloom::sim {
namespace {

constexpr double kTokens = 4096;

// h 8192, f 28672, queries 8192, keys and values 1024 each, 64 heads: 8h + 4q + 4kv + 4H + 6f bytes of a token.
TEST(SavedTensors, OfADenseLayerAreCounted) {
  const Job job = tests::megatron_job(tests::simumax_llama_70b(), {.data = 8});
  EXPECT_EQ(saved_tensors(job, 3).total(), kTokens * (8 * 8192 + 4 * 8192 + 4 * 1024 + 4 * 64 + 6 * 28672));
  const Job split = tests::megatron_job(tests::simumax_llama_70b(), {.tensor = 2, .data = 4});
  EXPECT_EQ(saved_tensors(split, 3).total(), saved_tensors(job, 3).total() / 2);
}

TEST(SavedTensors, WithoutSequenceParallelismNormsAreWhole) {
  Job job = tests::megatron_job(tests::simumax_llama_70b(), {.tensor = 2, .data = 4});
  job.layout.sequence_parallel = false;
  EXPECT_EQ(saved_tensors(job, 3).inputs, kTokens * 4 * 8192);
  EXPECT_EQ(saved_tensors(job, 3).inner, kTokens * 3 * 28672);
}

// DeepSeek-V2: 160 experts of 1536, 6 of them per token, 2 shared; ranks 1536 and 512; 128 heads of 128 + 64 and 128.
TEST(SavedTensors, OfAnExpertLayerAreCounted) {
  const Job job = tests::megatron_job(tests::simumax_deepseek_v2(), {.data = 8, .expert = 8});
  const SavedTensors saved = saved_tensors(job, 2);
  constexpr double kRows = 6 * kTokens;
  EXPECT_EQ(saved.inputs + saved.norm_outputs, kTokens * 8 * 5120);
  EXPECT_EQ(saved.latents, kTokens * (4 * 1536 + 2 * (512 + 64) + 2 * 512));
  EXPECT_EQ(saved.heads, kTokens * 2 * 128 * (2 * 192 + 128));
  EXPECT_EQ(saved.core, kTokens * 2 * 128 * 128);
  EXPECT_EQ(saved.statistics, kTokens * 4 * 128);
  EXPECT_EQ(saved.rows, kRows * (2 * 5120 + 8));
  EXPECT_EQ(saved.expert_inputs + saved.expert_outputs, kRows * 6 * 1536);
  EXPECT_EQ(saved.shared, kTokens * 6 * 2 * 1536);
  EXPECT_EQ(saved.router, kTokens * 21 * 160);
  EXPECT_EQ(saved.inner, 0);
}

TEST(SavedTensors, GrowWithWhatTheSoftwareKeepsBesides) {
  const Job plain = tests::megatron_job(tests::simumax_llama_70b(), {.context = 8});
  const auto more = [&](const std::function<void(Software&)>& change) {
    Job job = plain;
    job.software->context_all_to_all = false;
    const double before = saved_tensors(job, 3).total();
    change(*job.software);
    return saved_tensors(job, 3).total() - before;
  };
  EXPECT_EQ(more([](Software& software) { software.context_all_to_all = true; }), kTokens / 8 * 2 * 8192);
  EXPECT_EQ(more([](Software& software) { software.query_key_norms = true; }), kTokens / 8 * 2 * (8192 + 1024));
  // 8 bits: inputs of products take half, but attention's result is there in both widths.
  EXPECT_EQ(more([](Software& software) { software.recipe = ProductRecipe::kTensorwise; }),
            kTokens / 8 * (8192 - 2 * 8192 - 28672));
}

TEST(SavedTensors, OfUnfusedAttentionAreItsScores) {
  Job job = tests::megatron_job(tests::simumax_llama_70b(), {.data = 8});
  job.attention_kernel = AttentionKernel::kUnfused;
  EXPECT_EQ(saved_tensors(job, 3).statistics, 2 * kTokens * kTokens * 64);
  job.model->dropout = true;
  EXPECT_EQ(saved_tensors(job, 3).statistics, 5 * kTokens * kTokens * 64);
  EXPECT_EQ(saved_tensors(job, 3).inputs, kTokens * 6 * 8192);
}

// Megatron-LM's modules: each drops what it names, and no other tensor.
TEST(SavedTensors, DropWhatIsComputedAgain) {
  const Job plain = tests::megatron_job(tests::simumax_deepseek_v2(), {.data = 8, .expert = 8});
  const auto dropped = [&](bool RecomputedParts::*part, int layer) {
    Job job = plain;
    job.software->recompute.*part = true;
    return saved_tensors(job, layer).total() - kept_tensors(job, layer).total();
  };
  const SavedTensors experts = saved_tensors(plain, 2);
  EXPECT_EQ(dropped(&RecomputedParts::core_attention, 2), kTokens * 4 * 128);
  EXPECT_EQ(dropped(&RecomputedParts::norms, 2), kTokens * 4 * 5120);
  EXPECT_EQ(dropped(&RecomputedParts::activations, 2), 6 * kTokens * 2 * 1536);
  EXPECT_EQ(dropped(&RecomputedParts::activations, 0), 0);
  EXPECT_EQ(dropped(&RecomputedParts::mlp, 2), 0);
  EXPECT_EQ(dropped(&RecomputedParts::mlp, 0), kTokens * 6 * 12288);
  EXPECT_EQ(dropped(&RecomputedParts::up_projections, 2), experts.heads);
  EXPECT_EQ(dropped(&RecomputedParts::experts, 2), experts.experts());
}

TEST(SavedTensors, OfFullRecomputationAreTheInput) {
  Job job = tests::megatron_job(tests::simumax_deepseek_v2(), {.data = 8, .expert = 8});
  job.recompute = Recompute::kFull;
  EXPECT_EQ(kept_tensors(job, 2).total(), kTokens * 2 * 5120);
}

// The job's selective recomputation is DeepSeek's recipe: norms, experts' activation functions, up-projections.
TEST(SavedTensors, OfSelectiveRecomputationAreThoseOfDeepSeeksRecipe) {
  Job job = tests::megatron_job(tests::simumax_deepseek_v2(), {.data = 8, .expert = 8});
  const SavedTensors all = saved_tensors(job, 2);
  job.recompute = Recompute::kSelective;
  EXPECT_EQ(all.total() - kept_tensors(job, 2).total(), all.norm_outputs + all.expert_outputs + all.heads);
}

// torchtitan's "op": h 4096, f 14336, queries 4096, values 1024, 32 heads; two sequences of 8192 tokens.
TEST(SavedTensors, OfTorchtitansCheckpointsAreEverySecondProduct) {
  constexpr double kOfThem = 2 * 4096 + 2 * 4096 + 2 * 1024 + 2 * 14336 + 2 * 4096 + 4 * 32;
  EXPECT_EQ(kept_tensors(tests::torchtitan_job(true), 3).total(), 16384 * kOfThem);
  EXPECT_EQ(kept_tensors(tests::torchtitan_job(false), 3).total(), 16384 * (kOfThem + 2 * 4096));
}

// Qi et al. (Zero Bubble, ICLR 2024, table 1): 32h of a dense layer with an MLP of 4h.
TEST(SavedTensors, OfAWAreInputsOfProductsAndGradientsOfResults) {
  Job job = tests::bloom_job(72, {.tensor = 1, .pipeline = 8}, 1);
  EXPECT_EQ(needed_for_weight(job, 3), 2048.0 * 32 * 14336);
  const Job experts = tests::megatron_job(tests::simumax_deepseek_v2(), {.data = 8, .expert = 8});
  EXPECT_GT(needed_for_weight(experts, 2), 0.7 * kept_tensors(experts, 2).total());
  EXPECT_LT(needed_for_weight(experts, 2), 1.3 * kept_tensors(experts, 2).total());
}

}  // namespace
}  // namespace pipeloom::sim
