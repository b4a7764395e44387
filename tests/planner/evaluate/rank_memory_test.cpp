#include "planner/evaluate/rank_memory.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "planner/evaluate/evaluate.h"
#include "planner/layout/layout_bound.h"
#include "planner/schedules/schedule_table.h"
#include "tests/support/framework_jobs.h"

namespace pipeloom::planner {
namespace {

using tests::FrameworkLayout;

Evaluation evaluation_of(const Job& job, const char* schedule = "1f1b") {
  return evaluate(job, *find_schedule(schedule).value()).value();
}

double gib(int64_t bytes) {
  return static_cast<double>(bytes) / (1024.0 * 1024 * 1024);
}

struct Measured {
  const char* name;
  Job job;
  double allocated_gib;
  double reserved_gib;
  int fullest_rank;
};

// Published by SimuMax's authors (MooreThreads/SimuMax, docs/b200/b200_release_v1.2_summary.json, 2026-05): the largest
// counters of 8 B200. Which rank it was follows from the counts: with two ranks the first one of Llama 70B, which has
// two micro-batches in flight, and the last of the others, which have few layers and a large head.
std::vector<Measured> simumax() {
  const Model llama_70b = tests::simumax_llama_70b();
  const Model llama_405b = tests::simumax_llama_405b();
  const Model v2 = tests::simumax_deepseek_v2();
  const Model v3 = tests::simumax_deepseek_v3();
  const auto job = [](const Model& model, const FrameworkLayout& layout) { return tests::megatron_job(model, layout); };
  return {
      {"70B pp2", job(llama_70b, {.pipeline = 2, .data = 4}), 66.55, 70.88, 0},
      {"70B tp2", job(llama_70b, {.tensor = 2, .data = 4}), 60.68, 62.53, 0},
      {"70B tp4", job(llama_70b, {.tensor = 4, .data = 2}), 39.07, 40.18, 0},
      {"70B cp8 32k", job(llama_70b, {.context = 8, .sequence = 32768}), 104.51, 111.94, 0},
      {"70B cp8 131k", job(llama_70b, {.context = 8, .sequence = 131072}), 147.99, 159.65, 0},
      {"405B tp2", job(llama_405b, {.tensor = 2, .data = 4}), 81.59, 84.70, 0},
      {"405B tp8", job(llama_405b, {.tensor = 8}), 38.57, 39.83, 0},
      {"405B pp2", job(llama_405b, {.pipeline = 2, .data = 4}), 87.08, 92.26, 1},
      {"405B tp2 cp4 131k", job(llama_405b, {.tensor = 2, .context = 4, .sequence = 131072}), 118.13, 127.50, 0},
      {"V2 ep8", job(v2, {.data = 8, .expert = 8}), 45.63, 48.79, 0},
      {"V2 ep4 pp2", job(v2, {.pipeline = 2, .data = 4, .expert = 4}), 44.70, 47.05, 1},
      {"V3 ep8", job(v3, {.data = 8, .expert = 8}), 104.30, 110.18, 0},
      {"V3 ep4 pp2", job(v3, {.pipeline = 2, .data = 4, .expert = 4}), 114.00, 118.61, 1},
  };
}

TEST(RankMemory, OfMegatronIsWhatSimuMaxMeasured) {
  for (const Measured& run : simumax()) {
    const Evaluation evaluation = evaluation_of(run.job);
    const RankMemory& fullest = evaluation.memory[evaluation.fullest_rank()];
    EXPECT_EQ(evaluation.fullest_rank(), run.fullest_rank) << run.name;
    EXPECT_NEAR(gib(fullest.allocated()), run.allocated_gib, 0.0015 * run.allocated_gib) << run.name;
    EXPECT_NEAR(gib(fullest.reserved()), run.reserved_gib, 0.025 * run.reserved_gib) << run.name;
  }
}

// What a row consists of, counted by hand with the parts that Megatron-LM and TransformerEngine allocate.
TEST(RankMemory, OfLlama70BConsistsOfWhatWasCounted) {
  const Job job = tests::megatron_job(tests::simumax_llama_70b(), {.pipeline = 2, .data = 4});
  const RankMemory first = evaluation_of(job).memory[0];
  EXPECT_NEAR(gib(first.state.total_bytes()), 51.85, 0.01);
  EXPECT_NEAR(gib(first.activations), 12.57, 0.01);
  EXPECT_NEAR(gib(first.dummy_gradients), 1.59, 0.01);
  EXPECT_NEAR(gib(first.temporaries), 0.50, 0.01);
  EXPECT_EQ(first.reserve.workspace_bytes, 64 * 1024 * 1024);
  EXPECT_EQ(first.receive_buffers, 0);
}

// pytorch/torchtitan, benchmarks/llama3_h100_202412_torchtitan.md: 82.4 GiB eager and 77.0 compiled.
TEST(RankMemory, OfFsdpIsWhatTorchtitanPrints) {
  EXPECT_NEAR(gib(evaluation_of(tests::torchtitan_job(false)).memory[0].reserved()), 82.4, 0.02 * 82.4);
  EXPECT_NEAR(gib(evaluation_of(tests::torchtitan_job(true)).memory[0].reserved()), 77.0, 0.02 * 77.0);
}

// bigscience-workshop/bigscience, tr11-176B-ml/chronicles-prequel.md: GB of nvidia-smi, and what ran out of memory on
// 80 GB.
TEST(RankMemory, OfDeepSpeedIsWhatBloomsTeamSaw) {
  const auto total = [](const FrameworkLayout& layout, int micro_batch) {
    return static_cast<double>(evaluation_of(tests::bloom_job(72, layout, micro_batch)).peak_memory()) / 1e9;
  };
  EXPECT_NEAR(total({.tensor = 8, .pipeline = 6, .data = 8}, 4), 55, 0.05 * 55);
  EXPECT_NEAR(total({.tensor = 4, .pipeline = 12, .data = 8}, 4), 60, 0.05 * 60);
  EXPECT_NEAR(total({.tensor = 4, .pipeline = 6, .data = 16}, 4), 75, 0.05 * 75);
  EXPECT_NEAR(total({.tensor = 8, .pipeline = 2, .data = 24}, 2), 76, 0.07 * 76);
}

TEST(RankMemory, SaysWhatRanOutOfMemory) {
  const auto fits = [](const FrameworkLayout& layout, int micro_batch) {
    const Job job = tests::bloom_job(72, layout, micro_batch);
    return fits_memory(job, evaluation_of(job));
  };
  EXPECT_TRUE(fits({.tensor = 4, .pipeline = 6, .data = 16}, 4));
  EXPECT_TRUE(fits({.tensor = 2, .pipeline = 12, .data = 16}, 2));
  EXPECT_TRUE(fits({.tensor = 8, .pipeline = 2, .data = 24}, 2));
  EXPECT_FALSE(fits({.tensor = 2, .pipeline = 6, .data = 32}, 1));
  EXPECT_FALSE(fits({.tensor = 2, .pipeline = 6, .data = 32}, 2));
  EXPECT_FALSE(fits({.tensor = 8, .pipeline = 1, .data = 48}, 1));
}

// Qwen3-30B in Megatron-Bridge on 16 H100 (skills/nemo-mbridge-perf-moe-dispatcher-selection): 61.351e9 bytes, and
// 62.166e9 with expert overlap, where F fills what the backward pass frees.
Job qwen3() {
  Model model;
  model.family = "qwen";
  model.layers = 48;
  model.hidden = 2048;
  model.intermediate = 6144;
  model.vocabulary = 151936;
  model.attention = {.heads = 32, .kv_heads = 4, .head_dim = 128};
  model.moe = MoeShape{.routed_experts = 128, .experts_per_token = 8, .intermediate = 768};
  Job job = tests::megatron_job(make_model(model).value(), {.data = 16, .expert = 16});
  job.software->gradients = Format::kBf16;
  job.software->query_key_norms = true;
  return job;
}

TEST(RankMemory, OfQwen3IsWhatMegatronBridgePrints) {
  EXPECT_NEAR(static_cast<double>(evaluation_of(qwen3()).memory[0].allocated()), 61.351e9, 0.01 * 61.351e9);
  Job overlapped = qwen3();
  overlapped.software->overlap_experts = true;
  const RankMemory memory = evaluation_of(overlapped, "interleaved-1f1b-moe-overlap").memory[0];
  EXPECT_NEAR(static_cast<double>(memory.allocated()), 62.166e9, 0.02 * 62.166e9);
}

// Moonlight-16B in Megatron-Bridge on 8 H100 (skills/nemo-mbridge-perf-activation-recompute), one micro-batch per step:
// 36.6e9 bytes, and 35.90e9 to 35.95e9 with each kind of recomputation, because the optimizer's step needs as much. The
// counted 35.0e9 lack what uneven routing adds.
TEST(RankMemory, OfMoonlightHasTheStepAsItsFloor) {
  Model model;
  model.family = "deepseek";
  model.layers = 27;
  model.hidden = 2048;
  model.intermediate = 11264;
  model.vocabulary = 163840;
  model.attention = {
      .heads = 16, .kv_heads = 16, .head_dim = 128, .value_dim = 128, .kv_lora_rank = 512, .rope_dim = 64};
  model.moe = MoeShape{
      .routed_experts = 64, .shared_experts = 2, .experts_per_token = 6, .intermediate = 1408, .first_dense_layers = 1};
  Job job = tests::megatron_job(make_model(model).value(), {.tensor = 2, .data = 4, .expert = 8});
  job.software->gradients = Format::kBf16;
  job.software->low_precision_states = true;
  EXPECT_NEAR(static_cast<double>(evaluation_of(job).memory[0].allocated()), 36.618e9, 0.05 * 36.618e9);
  for (const auto part : {&RecomputedParts::up_projections, &RecomputedParts::activations}) {
    Job again = job;
    again.software->recompute.*part = true;
    const RankMemory memory = evaluation_of(again).memory[0];
    EXPECT_EQ(memory.activations, 0);
    EXPECT_NEAR(static_cast<double>(memory.allocated()), 35.92e9, 0.03 * 35.92e9);
  }
}

// The optimizer's step holds gradients in FP32, when nothing of the micro-batches is left.
TEST(RankMemory, IsThatOfTheStepIfMicroBatchesAreSmall) {
  Job job = qwen3();
  job.batch.sequence_length = 128;
  const RankMemory memory = evaluation_of(job).memory[0];
  EXPECT_EQ(memory.activations, 0);
  EXPECT_NEAR(static_cast<double>(memory.temporaries), static_cast<double>(memory.state.optimizer_bytes) / 3, 100.0);
}

// Every order that Pipeloom knows has a peak between one micro-batch and all of them, and above its lower bounds.
TEST(RankMemory, IsSensibleForEverySchedule) {
  Job job = tests::megatron_job(tests::simumax_llama_70b(), {.pipeline = 2, .data = 4});
  job.layout.layers_per_stage.clear();
  for (const NamedSchedule& named : named_schedules()) {
    const auto adapted = job_for(job, named);
    if (!adapted) continue;
    const auto evaluation = evaluate(*adapted, named);
    if (!evaluation) continue;
    for (int rank = 0; rank < 2; ++rank) {
      const RankMemory& memory = evaluation->memory[rank];
      EXPECT_GT(memory.activations, int64_t{3} << 30) << named.name;
      EXPECT_LT(memory.activations, int64_t{40} << 30) << named.name;
      EXPECT_GE(memory.temporaries, 0) << named.name;
      EXPECT_GT(memory.reserved(), memory.allocated()) << named.name;
    }
    EXPECT_LE(layout_bound(*adapted).bytes[evaluation->weight_copies - 1], evaluation->peak_memory()) << named.name;
  }
}

// What may be held at once fills the GPU exactly.
TEST(RankMemory, CapLeavesRoomForTemporariesAndFragmentation) {
  const Job job = tests::megatron_job(tests::simumax_llama_70b(), {.pipeline = 2, .data = 4});
  const Evaluation evaluation = evaluation_of(job);
  const RankMemory fixed = fixed_memory(job, evaluation.schedule.placement(), evaluation.costs, 0);
  const int64_t cap = activations_within(job, fixed, evaluation.schedule.placement(), evaluation.costs, 0);
  const StageTemporaries& of_stage = evaluation.costs.temporaries[0];
  const int64_t temporaries = std::max(of_stage.backward_bytes, of_stage.embedding_bytes);
  EXPECT_NEAR(static_cast<double>(total_with(job, fixed, cap + temporaries) - memory_limit_bytes(job)), 0, 10.0);
}

}  // namespace
}  // namespace pipeloom::planner
