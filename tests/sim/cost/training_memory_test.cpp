#include "sim/cost/training_memory.h"

#include <gtest/gtest.h>

#include "sim/cost/memory_counters.h"
#include "tests/support/framework_jobs.h"

namespace pipeloom::sim {
namespace {

constexpr StageParameters kMillion = {.dense = 1'000'000, .routed = 0, .ends = 0, .attention = 0};
constexpr double kGib = 1024.0 * 1024 * 1024;

Job llama(const tests::FrameworkLayout& layout) {
  return tests::megatron_job(tests::simumax_llama_70b(), layout);
}

// Megatron-LM, docs on the distributed optimizer: 6 + 12/d with FP32 gradients, else 4 + 12/d.
TEST(TrainingState, OfMegatronKeepsWholeGradients) {
  Job job = llama({.data = 8});
  EXPECT_EQ(training_state(job, kMillion, 1), (StageState{2'000'000, 4'000'000, 1'500'000}));
  job.software->gradients = Format::kBf16;
  EXPECT_EQ(training_state(job, kMillion, 1), (StageState{2'000'000, 2'000'000, 1'500'000}));
  job.software->low_precision_states = true;
  EXPECT_EQ(training_state(job, kMillion, 1), (StageState{2'000'000, 2'000'000, 1'000'000}));
  job.zero_stage = 0;
  EXPECT_EQ(training_state(job, kMillion, 1), (StageState{2'000'000, 2'000'000, 8'000'000}));
  job.zero_stage = 3;
  EXPECT_EQ(training_state(job, kMillion, 1), (StageState{250'000, 250'000, 1'000'000}));
  job.offload.optimizer = true;
  EXPECT_EQ(training_state(job, kMillion, 1).optimizer_bytes, 0);
}

// Experts are sharded over their own replicas.
TEST(TrainingState, OfExpertsIsShardedOverTheirReplicas) {
  const Job job = tests::megatron_job(tests::simumax_deepseek_v2(), {.data = 8, .expert = 4});
  EXPECT_EQ(training_state(job, {.dense = 0, .routed = 1'000'000}, 1), (StageState{2'000'000, 4'000'000, 6'000'000}));
}

// Weights in 8 bits beside BF16: one cast, and its transpose where FP8 products need one (Hopper).
TEST(TrainingState, HoldsCastsOfWeights) {
  Job job = llama({.data = 8});
  job.software->recipe = ProductRecipe::kTensorwise;
  EXPECT_EQ(training_state(job, kMillion, 1).weights_bytes, 3'000'000);
  job.software->rates.transposed_bytes = 2;
  EXPECT_EQ(training_state(job, kMillion, 1).weights_bytes, 4'000'000);
  job.software->gathered = Format::kFp8;
  EXPECT_EQ(training_state(job, kMillion, 1).weights_bytes, 2'000'000);
}

TEST(TrainingState, OfFsdpIsSharded) {
  EXPECT_EQ(training_state(tests::torchtitan_job(true), kMillion, 1), (StageState{500'000, 500'000, 1'000'000}));
}

// DeepSpeed in BF16 keeps gradients in both widths.
TEST(TrainingState, OfDeepSpeedDependsOnThePrecision) {
  Job job = tests::bloom_job(72, {.tensor = 8, .pipeline = 6, .data = 8}, 4);
  EXPECT_EQ(training_state(job, kMillion, 1), (StageState{2'000'000, 2'000'000, 1'500'000}));
  job.precision = Precision::kBf16;
  job.software->gradients = Format::kFp32;
  EXPECT_EQ(training_state(job, kMillion, 1), (StageState{2'000'000, 6'000'000, 1'500'000}));
}

// Megatron-LM pads one more than the vocabulary.
TEST(TrainingState, CountsPaddedRows) {
  EXPECT_EQ(padded_vocabulary(llama({.data = 8})), 128384);
  EXPECT_EQ(padded_vocabulary(llama({.tensor = 8})), 129024);
  EXPECT_EQ(padded_vocabulary(tests::torchtitan_job(true)), 128256);
  const StageParameters ends = {.dense = 0, .routed = 0, .ends = 128256};
  EXPECT_EQ(training_state(llama({.data = 8}), ends, 1).weights_bytes, 2 * 128384);
}

// Gradients that are not FP32 are widened at the step.
TEST(TrainingState, GrowsAtTheStep) {
  Job job = llama({.data = 8});
  EXPECT_EQ(training_step_bytes(job, kMillion, 1), 0);
  job.software->gradients = Format::kBf16;
  EXPECT_EQ(training_step_bytes(job, kMillion, 1), 500'000);
  EXPECT_EQ(training_step_bytes(tests::torchtitan_job(true), kMillion, 1), 0);
}

// Norm's input and output, and BF16 logits, which their gradient overwrites.
TEST(TrainingActivation, OfTheHeadFollowsTheLoss) {
  Job job = llama({.data = 8});
  const StageSpan head = {12, 0, false, true};
  EXPECT_EQ(training_activation(job, head),
            (ActivationSize{4096 * (4 * 8192 + 2 * 128384), 4096 * (2 * 8192 + 2 * 128384)}));
  job.software->loss = LossKernel::kEager;
  EXPECT_EQ(training_activation(job, head).total, int64_t{4096} * (4 * 8192 + 4 * 128384));
}

TEST(TrainingActivation, OfDeepSpeedHoldsPipelineBuffers) {
  const Job job = tests::bloom_job(72, {.tensor = 8, .pipeline = 6, .data = 8}, 4);
  EXPECT_EQ(training_activation(job, {12, 12, false, false}).total, int64_t{14} * 2 * 8192 * 14336);
}

TEST(TrainingActivation, LeavesOutWhatIsOffloaded) {
  Job job = llama({.data = 8});
  const int64_t all = training_activation(job, {3, 2, false, false}).total;
  job.offload.activations = 0.25;
  EXPECT_EQ(training_activation(job, {3, 2, false, false}).total, all / 4 * 3);
}

// A shape is counted once, over all stages of a rank: qkv, proj, fc1, fc2 of Llama 70B; the head on the last stage.
TEST(DummyGradients, AreOnePerShape) {
  const Job job = llama({.data = 8});
  constexpr int64_t kLayer = 8192 * (8192 + 2048) + 8192 * 8192 + 8192 * 2 * 28672 + 28672 * 8192;
  const StageSpan first = {0, 6, true, false};
  const StageSpan last = {6, 6, false, true};
  EXPECT_EQ(dummy_gradients_bytes(job, {first}), 2 * kLayer);
  EXPECT_EQ(dummy_gradients_bytes(job, {first, last}), 2 * (kLayer + int64_t{128384} * 8192));
  EXPECT_NEAR(static_cast<double>(dummy_gradients_bytes(llama({.tensor = 4, .data = 2}), {first})), 0.40 * kGib,
              0.005 * kGib);
  Job without = job;
  without.software->dummy_gradients = false;
  EXPECT_EQ(dummy_gradients_bytes(without, {first}), 0);
}

// DeepSeek-V3's experts and its shared expert have equal shapes.
TEST(DummyGradients, OfEqualShapesAreShared) {
  const Job job = tests::megatron_job(tests::simumax_deepseek_v3(), {.pipeline = 2, .data = 4, .expert = 4});
  const StageSpan experts = {2, 2, false, false};
  EXPECT_NEAR(static_cast<double>(dummy_gradients_bytes(job, {experts})), 0.43 * kGib, 0.005 * kGib);
}

// The stage's last layer: incoming gradient and those of SwiGLU's input.
TEST(TrainingTemporaries, OfADenseLayer) {
  const Job job = llama({.pipeline = 2, .data = 4});
  EXPECT_EQ(training_temporaries(job, {0, 6, true, false}).backward_bytes, 4096 * (2 * 8192 + 4 * 28672));
  const StageTemporaries middle = training_temporaries(job, {3, 3, false, false});
  EXPECT_EQ(middle.backward_bytes, 4096 * (4 * 8192 + 4 * 28672));  // and what the stage receives
  EXPECT_EQ(middle.embedding_bytes, 0);
  EXPECT_EQ(training_temporaries(job, {0, 6, true, false}).embedding_bytes, 2 * int64_t{128384} * 8192);
}

// The head with sequence parallelism: gradient of its input, the input gathered again, and the share of the gradient.
TEST(TrainingTemporaries, OfTheHead) {
  const Job job = llama({.tensor = 2, .data = 4});
  EXPECT_EQ(training_temporaries(job, {0, 12, true, true}).backward_bytes, 4096 * (4 * 8192 + 8192));
}

// Experts: four buffers of 6 rows per token and the incoming gradient, more than the head's, whose tensors are freed.
TEST(TrainingTemporaries, OfExperts) {
  const Job job = tests::megatron_job(tests::simumax_deepseek_v2(), {.data = 8, .expert = 8});
  const int64_t head = training_activation(job, {4, 0, false, true}).total;
  EXPECT_EQ(training_temporaries(job, {0, 4, true, true}).backward_bytes + head, 4096 * (2 + 48) * int64_t{5120});
}

TEST(TrainingTemporaries, HoldWhatIsComputedAgain) {
  Job job = llama({.pipeline = 2, .data = 4});
  const StageSpan span = {0, 6, true, false};
  const int64_t before = training_temporaries(job, span).backward_bytes;
  const int64_t layer = training_temporaries(job, span).layer_bytes;
  job.recompute = Recompute::kFull;
  EXPECT_EQ(training_temporaries(job, span).backward_bytes, before + layer - 4096 * 2 * 8192);
}

// torchtitan, two sequences of 8192: 12 bytes of a logit eager, 4 of them saved; embedding, head and two layers
// gathered.
TEST(TrainingTemporaries, OfFsdpGatherWeights) {
  Job job = tests::torchtitan_job(true);
  constexpr int64_t kLogits = int64_t{16384} * 128256;
  constexpr int64_t kEnds = 2 * 2 * int64_t{128256} * 4096;
  constexpr int64_t kLayer = 4096 * (4096 + 2048 + 4096 + 3 * 14336) + 2 * 4096;
  const StageSpan all = {0, 32, true, true};
  EXPECT_EQ(training_temporaries(job, all).backward_bytes, 8 * kLogits + kEnds + 2 * 2 * kLayer);
  job.software->loss = LossKernel::kCompiled;
  EXPECT_GE(training_temporaries(job, all).backward_bytes, 2 * kLogits + kEnds + 2 * 2 * kLayer);
  EXPECT_LT(training_temporaries(job, all).backward_bytes, 3 * kLogits + kEnds + 2 * 2 * kLayer);
}

TEST(MemoryCounters, AddFragmentationToJobsWithSoftwareOnly) {
  Job job = llama({.data = 8});
  EXPECT_EQ(fragmentation_bytes(job, 1'000'000, 1'000'000), 163'000 + 35'000);
  EXPECT_EQ(churn_within(job, 1'163'000), 1'000'000);
  job.software.reset();
  EXPECT_EQ(fragmentation_bytes(job, 1'000'000, 1'000'000), 0);
  EXPECT_EQ(churn_within(job, 1'163'000), 1'163'000);
}

TEST(MemoryCounters, CountBuffersOutsideOfTheAllocator) {
  const auto outside = [](const Job& job) {
    const Reserve reserve = training_reserve(job);
    return reserve.runtime_bytes + reserve.communication_bytes;
  };
  Job job = tests::megatron_job(tests::simumax_deepseek_v2(), {.data = 8, .expert = 8});
  EXPECT_EQ(outside(job), 1'200'000'000);
  EXPECT_EQ(training_reserve(job).workspace_bytes, 224 * 1024 * 1024);
  job.software->dispatcher = Dispatcher::kHybridEp;
  EXPECT_EQ(outside(job), 2'200'000'000);
  EXPECT_EQ(outside(tests::bloom_job(72, {.tensor = 8, .pipeline = 6, .data = 8}, 4)), 6'000'000'000);
}

}  // namespace
}  // namespace pipeloom::sim
