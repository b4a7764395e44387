#include "sim/cost/memory_model.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "sim/cost/job_costs.h"
#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

Job gpt3_job(int tensor) {
  Job job = tests::llama3_405b_job();
  job.model = tests::gpt3_175b();
  job.batch = {.sequence_length = 2048, .micro_batch_size = 1, .global_batch = 128};
  job.micro_batches = 0;
  job.layout.tensor = tensor;
  job.layout.data = 64 / tensor;
  return make_job(job).value();
}

const std::vector<int> kSixteen = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 1};
constexpr StageSpan kOneLayer = {4, 1, false, false};

// Korthikanti et al. (MLSys 2023), table 2, on GPT-3: bytes of one layer, to the byte.
TEST(Memory, ActivationsOfADenseLayerAreKorthikantis) {
  const auto bytes = [](int tensor, bool sequence_parallel, Recompute recompute) {
    Job job = gpt3_job(tensor);
    job.attention_kernel = AttentionKernel::kUnfused;
    job.model->dropout = true;
    job.layout.sequence_parallel = sequence_parallel;
    job.recompute = recompute;
    return stage_activation(job, kOneLayer).total;
  };
  constexpr int64_t kSbh = int64_t{2048} * 12288;
  constexpr int64_t kScores = 5 * 96 * int64_t{2048} * 2048;  // sbh * 5as/h
  EXPECT_EQ(bytes(1, true, Recompute::kNone), 34 * kSbh + kScores);
  EXPECT_EQ(bytes(8, false, Recompute::kNone), 10 * kSbh + 24 * kSbh / 8 + kScores / 8);
  EXPECT_EQ(bytes(8, true, Recompute::kNone), 34 * kSbh / 8 + kScores / 8);
  EXPECT_EQ(bytes(8, false, Recompute::kSelective), 10 * kSbh + 24 * kSbh / 8);
  EXPECT_EQ(bytes(8, true, Recompute::kSelective), 34 * kSbh / 8);
  EXPECT_EQ(bytes(8, false, Recompute::kFull), 2 * kSbh);
}

// Without dropout neither its masks nor its result: 2as of scores.
TEST(Memory, WithoutDropoutThereAreNoMasks) {
  Job job = gpt3_job(1);
  job.attention_kernel = AttentionKernel::kUnfused;
  job.model->dropout = false;
  EXPECT_EQ(stage_activation(job, kOneLayer).total, 32 * int64_t{2048} * 12288 + 2 * 96 * int64_t{2048} * 2048);
}

// FlashAttention keeps 4a instead of 5as; without dropout there are no masks.
TEST(Memory, FusedAttentionKeepsNoScores) {
  const double expected = 2048.0 * (32 * 12288 + 4 * 96);
  EXPECT_EQ(stage_activation(gpt3_job(1), kOneLayer).total, static_cast<int64_t>(expected));
  EXPECT_EQ(stage_activation(gpt3_job(8), kOneLayer).total, static_cast<int64_t>(expected / 8));
}

TEST(Memory, OffloadedActivationsAreNotOnTheGpu) {
  Job job = gpt3_job(1);
  const int64_t all = stage_activation(job, kOneLayer).total;
  job.offload.activations = 0.25;
  EXPECT_EQ(stage_activation(job, kOneLayer).total, all / 4 * 3);
  job.offload.optimizer = true;
  EXPECT_EQ(stage_state(job, {.dense = 1000, .routed = 0, .ends = 0}, 1).optimizer_bytes, 0);
}

// Qi et al. (Zero Bubble, ICLR 2024, table 1): W needs 32h.
TEST(Memory, WeightGradientsOfADenseLayerKeepZeroBubbles) {
  EXPECT_EQ(stage_activation(gpt3_job(1), kOneLayer).kept_for_weight, int64_t{2048} * 32 * 12288);
}

// F keeps inputs of blocks, norms apart, of the core and of the activation function; W needs as much as without.
TEST(Memory, WeightGradientsMayNeedMoreThanFKept) {
  Job job = gpt3_job(1);
  job.recompute = Recompute::kSelective;
  const ActivationSize size = stage_activation(job, kOneLayer);
  EXPECT_EQ(size.total, int64_t{2048} * (20 * 12288 + 4 * 96));
  EXPECT_EQ(size.kept_for_weight, int64_t{2048} * 32 * 12288);
  EXPECT_EQ(size.growth(), size.kept_for_weight - size.total);
  job.recompute = Recompute::kFull;
  EXPECT_EQ(stage_activation(job, kOneLayer).kept_for_weight, int64_t{2048} * 32 * 12288);
}

// A dense layer of DeepSeek-V3 with its recipe: what F keeps, row by row; and of what W needs each input once and the
// gradients of q_a, q_b, kv_a, kv_b, o, gate and up, down, all but the core made in I, with scales of 128 tokens.
TEST(Memory, OfTheRecipe) {
  const Job job = tests::deepseek_v3_job();
  const auto fp8 = [](int64_t width) { return width + 4 * ((width + 127) / 128); };
  constexpr int64_t kCore = 16384 * 3 / 2 + 4 * 128;  // E5M6
  const ActivationSize size = stage_activation(job, {0, 1, false, false});
  EXPECT_EQ(size.total, 4096 * (2 * 2 * 7168 + 2 * (1536 + 512 + 64) + kCore + 4 * 128 + fp8(2 * 18432)));
  const int64_t attention = 7168 + 1536 + 512 + 1536 + 128 * 192 + 512 + 64 + 128 * 256 + 7168;
  const int64_t mlp = 7168 + 18432 + 2 * 18432 + 7168;
  EXPECT_EQ(size.kept_for_weight, 4096 * kCore + (attention + mlp) * (4096 + 4 * 4096 / 128));
  const ActivationSize experts = stage_activation(job, {10, 1, false, false});
  EXPECT_GT(experts.kept_for_weight, experts.total * 17 / 10);
  EXPECT_LT(experts.kept_for_weight, experts.total * 22 / 10);
}

// The ends: between I and W there are the gradients of the embedding's rows, and those of logits in BF16.
TEST(Memory, WeightGradientsOfTheEnds) {
  const Job job = gpt3_job(1);
  EXPECT_EQ(stage_activation(job, {0, 0, true, false}), (ActivationSize{0, int64_t{2048} * 2 * 12288}));
  EXPECT_EQ(stage_activation(job, {96, 0, false, true}),
            (ActivationSize{int64_t{2048} * (4 * 12288 + 4 * 50257), int64_t{2048} * (2 * 12288 + 2 * 50257)}));
}

TEST(Memory, FullRecomputationKeepsTheInput) {
  Job job = gpt3_job(1);
  const int64_t reserve = memory_reserve(job).total_bytes();
  const int64_t layer = stage_activation(job, kOneLayer).total;
  job.recompute = Recompute::kFull;
  EXPECT_EQ(stage_activation(job, kOneLayer).total, int64_t{2} * 2048 * 12288);
  EXPECT_EQ(memory_reserve(job).total_bytes(), reserve + layer);  // one layer is rebuilt at a time
}

TEST(Memory, SelectiveRecomputationKeepsLess) {
  Job job = gpt3_job(1);
  const int64_t all = stage_activation(job, kOneLayer).total;
  job.recompute = Recompute::kSelective;
  const int64_t norms_and_gelu = int64_t{2048} * (2 + 2 + 8) * 12288;
  EXPECT_EQ(all - stage_activation(job, kOneLayer).total, norms_and_gelu);
}

// Megatron-LM: 18 bytes a parameter in BF16, 6 + 12/d with a distributed optimizer.
TEST(Memory, StateFollowsZeroStages) {
  Job job = gpt3_job(8);  // 8 replicas
  const StageParameters parameters = {.dense = 1'000'000, .routed = 0, .ends = 0};
  const auto state = [&](int zero_stage, int copies) {
    job.zero_stage = zero_stage;
    return stage_state(job, parameters, copies);
  };
  EXPECT_EQ(state(0, 1), (StageState{2'000'000, 4'000'000, 12'000'000}));
  EXPECT_EQ(state(1, 1), (StageState{2'000'000, 4'000'000, 1'500'000}));
  EXPECT_EQ(state(1, 2), (StageState{2'000'000, 4'000'000, 750'000}));
  EXPECT_EQ(state(2, 1), (StageState{2'000'000, 500'000, 1'500'000}));
  EXPECT_EQ(state(3, 1), (StageState{250'000, 500'000, 1'500'000}));
}

TEST(Memory, ParametersOfADeepSeekV3Layer) {
  const StageParameters parameters = stage_parameters(tests::deepseek_v3_job(), {10, 1, false, false}, true);
  EXPECT_NEAR(static_cast<double>(parameters.routed), 176e6, 0.01 * 176e6);  // docs/research/costs.md, section 7
  EXPECT_NEAR(static_cast<double>(parameters.dense), 233e6, 0.01 * 233e6);
}

TEST(Memory, TheEndsAreOnTheFirstAndLastStage) {
  const Job job = tests::deepseek_v3_job();
  EXPECT_EQ(stage_parameters(job, {0, 0, true, false}, true).ends, int64_t{7168} * 129280);
  EXPECT_EQ(stage_parameters(job, {61, 0, false, true}, true).ends, int64_t{7168} * 129281);  // and the final norm
  EXPECT_EQ(stage_parameters(job, {10, 4, false, false}, true).ends, 0);
  EXPECT_EQ(stage_activation(job, {0, 0, true, false}).total, 0);
}

// DeepSeek-V3, section 3.2.3: where the first and the last stage share a rank, MTP uses the embedding that is there.
TEST(Memory, MtpSharesTheEmbeddingWhereTheEndsMeet) {
  const Job job = tests::deepseek_v3_job();
  const StageSpan last = {57, 4, false, true};
  const int64_t embedding = int64_t{7168} * 129280;
  EXPECT_EQ(stage_parameters(job, last, false).ends - stage_parameters(job, last, true).ends, embedding);
  const StageState apart = step_costs(job, Placement::linear(16).value(), kSixteen).value().states[15];
  const StageState together = step_costs(job, Placement::bidirectional(16, 1).value(), kSixteen).value().states[15];
  EXPECT_EQ(apart.weights_bytes - together.weights_bytes, 2 * embedding);
}

TEST(Memory, ATiedHeadSharesTheEmbeddingWhereTheEndsMeet) {
  const Job job = gpt3_job(1);
  const StageSpan last = {90, 6, false, true};
  const int64_t embedding = int64_t{12288} * 50257;
  EXPECT_EQ(stage_parameters(job, last, false).ends, embedding + 2 * 12288);
  EXPECT_EQ(stage_parameters(job, last, true).ends, 2 * 12288);
}

// DeepSeek-V3 was trained on 80 GB: DualPipe holds two copies of the parameters and, on rank r, 16 - r micro-batches of
// stage r and r + 1 of stage 15 - r.
TEST(Memory, DeepSeekV3FitsItsGpus) {
  const Job job = tests::deepseek_v3_job();
  const std::vector<int> layers = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 1};
  const std::vector<StageSpan> spans = stage_spans(layers);
  for (int rank = 0; rank < 8; ++rank) {
    int64_t bytes = memory_reserve(job).total_bytes();
    for (const auto& [stage, alive] : {std::pair{rank, 16 - rank}, std::pair{15 - rank, rank + 1}}) {
      bytes += stage_state(job, stage_parameters(job, spans[stage], true), 2).total_bytes();
      bytes += alive * stage_activation(job, spans[stage]).total;
    }
    printf("  rank %d: %.1f GB\n", rank, static_cast<double>(bytes) / 1e9);
    EXPECT_LT(bytes, job.cluster->gpu.memory_bytes);
    EXPECT_GT(bytes, job.cluster->gpu.memory_bytes / 2);  // a model this small would have run on fewer GPUs
  }
}

}  // namespace
}  // namespace pipeloom::sim
