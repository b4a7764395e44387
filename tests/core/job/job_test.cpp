#include "core/job/job.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/support/models.h"

namespace pipeloom {
namespace {

struct Bad {
  std::function<void(Job&)> change;
  const char* message;
};

void expect_refused(const Job& legal, const std::vector<Bad>& bad) {
  ASSERT_TRUE(make_job(legal).has_value()) << make_job(legal).error().message;
  for (const Bad& one : bad) {
    Job job = legal;
    one.change(job);
    const auto result = make_job(job);
    ASSERT_FALSE(result.has_value()) << one.message;
    EXPECT_EQ(result.error().message, one.message);
  }
}

TEST(Job, MicroBatchesFollowFromTheBatch) {
  EXPECT_EQ(tests::deepseek_v3_job().micro_batches, 120);  // 15360 sequences over 128 pipelines
}

TEST(Job, CheckingTwiceChangesNothing) {
  const Job job = tests::deepseek_v3_job();
  EXPECT_EQ(make_job(job).value(), job);
}

TEST(Job, DirectCostsMayCountMicroBatchesFromABatch) {
  Job job = tests::direct_job(4, 8);
  job.micro_batches = 0;
  job.batch = {.sequence_length = 1, .micro_batch_size = 2, .global_batch = 12};
  EXPECT_EQ(make_job(job).value().micro_batches, 6);
}

TEST(Job, RefusesEachIllegalFieldOfAModelJobAlone) {
  expect_refused(
      tests::deepseek_v3_job(),
      {
          {[](Job& j) { j.model->layers = 0; }, "model.layers is 0; allowed are 1 to 10000"},
          {[](Job& j) { j.cluster->nodes = 0; }, "cluster.nodes is 0; allowed are 1 to 1000000"},
          {[](Job& j) { j.cluster.reset(); }, "cluster is missing; a job with a model needs one"},
          {[](Job& j) { j.model.reset(); }, "the job gives neither a model nor costs; one of them is needed"},
          {[](Job& j) { j.costs = DirectCosts{}; }, "the job gives both a model and costs; allowed is one of them"},
          {[](Job& j) { j.layout.pipeline = 0; }, "layout.pipeline is 0; allowed are 1 to 4096"},
          {[](Job& j) { j.layout.data = 0; }, "layout.data is 0; allowed are 1 to 1000000"},
          {[](Job& j) { j.layout.tensor = -1; }, "layout.tensor is -1; allowed are 1 to 1024"},
          {[](Job& j) { j.layout.expert = 0; }, "layout.expert is 0; allowed are 1 to 128"},
          {[](Job& j) { j.layout.expert = 96; },
           "layout.expert is 96; it must divide layout.data * layout.context * layout.tensor (128)"},
          {[](Job& j) { j.model->moe->routed_experts = 8 * 31; },
           "layout.expert is 64; it must divide model.moe.routed_experts (248)"},
          {[](Job& j) { j.model->moe.reset(); }, "layout.expert is 64; allowed is 1: the model has no experts"},
          {[](Job& j) { j.layout.data = 64; },
           "layout.pipeline * layout.data * layout.context * layout.tensor is 16 * 64 * 1 * 1 = 1024; the cluster has "
           "2048 GPUs"},
          {[](Job& j) {
             j.model->attention.heads = j.model->attention.kv_heads = 127;
             j.layout.data = 64;
             j.layout.tensor = 2;
           },
           "layout.tensor is 2; it must divide model.attention.heads (127)"},
          {[](Job& j) {
             j.layout.layers_per_stage = {30, 30};
           },
           "layout.layers_per_stage sums to 60; model.layers is 61"},
          {[](Job& j) {
             j.layout.layers_per_stage = {62, -1};
           },
           "layout.layers_per_stage[0] is 62; allowed are 0 to 61"},
          {[](Job& j) {
             j.layout.layers_per_stage = {61, -1};
           },
           "layout.layers_per_stage[1] is -1; allowed are 0 to 61"},
          {[](Job& j) { j.layout.context = 0; }, "layout.context is 0; allowed are 1 to 1024"},
          {[](Job& j) {
             j.layout.context = 2;
             j.layout.data = 64;
             j.batch.sequence_length = 4095;
             j.micro_batches = 0;
           },
           "layout.context is 2; it must divide batch.sequence_length (4095)"},
          {[](Job& j) { j.layout.gpu_order[1] = Dimension::kTensor; },
           "layout.gpu_order is tensor, tensor, data, pipeline; it must name tensor, context, data and pipeline once "
           "each"},
          {[](Job& j) { j.offload.activations = 1.5; }, "offload.activations is 1.5; allowed are 0 to 1"},
          {[](Job& j) {
             j.offload.optimizer = true;
             j.cluster->gpu.host_bytes_per_s = 0;
           },
           "offload is given; it needs a cluster whose gpu has host_bytes_per_s"},
          {[](Job& j) {
             j.references = {{"step_s", 0, ""}};
           },
           "references of step_s: value is 0; allowed are 1e-12 to 1e+30"},
          {[](Job& j) { j.variation.jitter = -0.1; }, "variation.jitter is -0.1; allowed are 0 to 10"},
          {[](Job& j) { j.variation.expert_imbalance = 11; }, "variation.expert_imbalance is 11; allowed are 0 to 10"},
          {[](Job& j) { j.variation.straggler_probability = 1.5; },
           "variation.straggler_probability is 1.5; allowed are 0 to 1"},
          {[](Job& j) { j.variation.straggler_slowdown = 0.5; },
           "variation.straggler_slowdown is 0.5; allowed are 1 to 1000"},
          {[](Job& j) { j.batch.sequence_length = 0; }, "batch.sequence_length is 0; allowed are 1 to 100000000"},
          {[](Job& j) { j.batch.micro_batch_size = 0; }, "batch.micro_batch_size is 0; allowed are 1 to 1000000"},
          {[](Job& j) { j.batch.global_batch = 0; }, "batch.global_batch is 0; allowed are 1 to 1000000000000"},
          {[](Job& j) { j.batch.global_batch = 15361; },
           "batch.global_batch is 15361; it must be a multiple of layout.data * batch.micro_batch_size (128 * 1 = "
           "128)"},
          {[](Job& j) { j.micro_batches = 119; }, "micro_batches is 119; the batch gives 120 (leave it out, or 0)"},
          {[](Job& j) { j.p2p.latency_ns = 5; },
           "p2p.latency_ns is 5; allowed is 0: with a model, links are the cluster's"},
          {[](Job& j) { j.p2p.receive_depth = -1; }, "p2p.receive_depth is -1; allowed are 0 to 1000000"},
          {[](Job& j) { j.clip_norm = 0; }, "clip_norm is 0; allowed are 1e-12 to 1000000000000"},
          {[](Job& j) { j.zero_stage = 4; }, "zero_stage is 4; allowed are 0 to 3"},
          {[](Job& j) { j.memory_limit_bytes = -1; }, "memory_limit_bytes is -1; allowed are 0 to 1000000000000000"},
          {[](Job& j) { j.cluster->gpu.fp8_flops = 0; }, "precision is fp8; cluster.gpu H800 has none"},
          {[](Job& j) { j.formats.attention = Format::kFp32; }, "formats.attention is FP32; allowed are BF16, FP8"},
          {[](Job& j) { j.formats.mlp = Format::kE5m6; }, "formats.mlp is E5M6; allowed are BF16, FP8"},
          {[](Job& j) { j.formats.cached = Format::kE5m6; }, "formats.cached is E5M6; allowed are BF16, FP8"},
          {[](Job& j) { j.formats.cached_core = Format::kFp32; },
           "formats.cached_core is FP32; allowed are BF16, E5M6, FP8"},
          {[](Job& j) { j.formats.dispatch = Format::kE5m6; }, "formats.dispatch is E5M6; allowed are BF16, FP8"},
          {[](Job& j) { j.formats.combine = Format::kFp16; }, "formats.combine is FP16; allowed are BF16, FP8"},
          {[](Job& j) { j.formats.moments = Format::kFp8; }, "formats.moments is FP8; allowed are FP32, BF16"},
          {[](Job& j) {
             j.precision = Precision::kBf16;
             j.formats.mlp = Format::kFp8;
             j.cluster->gpu.fp8_flops = 0;
           },
           "formats gives products in FP8; cluster.gpu H800 has none"},
          {[](Job& j) { j.ema_decay = 2; }, "ema_decay is 2; allowed are 0 to 1"},
          {[](Job& j) {
             j.ema_decay = 0.5;
             j.cluster->gpu.host_bytes_per_s = 0;
           },
           "ema_decay is given; it needs a model and a cluster whose gpu has host_bytes_per_s"},
          {[](Job& j) {
             j.expert_loads = {{2, std::vector<int64_t>(256, 1)}};
           },
           "expert_loads gives layer 2, which has no experts"},
          {[](Job& j) {
             j.expert_loads = {{61, std::vector<int64_t>(256, 1)}};
           },
           "expert_loads gives layer 61, which has no experts"},
          {[](Job& j) {
             j.expert_loads = {{3, {1, 2}}};
           },
           "expert_loads gives 2 experts of layer 3; model.moe.routed_experts is 256"},
          {[](Job& j) {
             j.expert_loads.assign(2, {3, std::vector<int64_t>(256, 1)});
           },
           "expert_loads gives layer 3 twice; allowed is once"},
          {[](Job& j) {
             j.expert_loads = {{62, std::vector<int64_t>(256, 0)}};
           },
           "expert_loads gives layer 62 no tokens; allowed are 1 and more"},
          {[](Job& j) {
             j.expert_loads = {{62, std::vector<int64_t>(256, -1)}};
           },
           "expert_loads of layer 62: tokens is -1; allowed are 0 to 1000000000000000"},
          {[](Job& j) { j.schedule.chunks = -1; }, "schedule.chunks is -1; allowed are 0 to 65535"},
          {[](Job& j) { j.schedule.group = -1; }, "schedule.group is -1; allowed are 0 to 1000000"},
          {[](Job& j) { j.schedule.pipe_pairs = 0; }, "schedule.pipe_pairs is 0; allowed are 1 to 4096"},
          {[](Job& j) { j.schedule.waves = 0; }, "schedule.waves is 0; allowed are 1 to 65535"},
          {[](Job& j) {
             j.measured_layers = {{62, 1, 1, 1}};
           },
           "measured_layers.layer is 62; allowed are -1 to 61"},
          {[](Job& j) {
             j.measured_layers = {{4, 1, 1, 1}, {4, 1, 1, 1}};
           },
           "measured_layers gives layer 4 twice; allowed is once"},
          {[](Job& j) {
             j.measured_layers = {{4, 1, 1, 1, Component::kExperts}, {4, 1, 1, 1}};
           },
           "measured_layers gives layer 4 twice; allowed is once"},
          {[](Job& j) {
             j.measured_layers = {{4, 1, 1, 1}, {4, 1, 1, 1, Component::kExperts}};
           },
           "measured_layers gives layer 4 twice; allowed is once"},
          {[](Job& j) {
             j.measured_layers = {{4, 1, 1, 1, Component::kAttention}, {4, 1, 1, 1, Component::kMlp}};
           },
           "measured_layers gives component mlp of layer 4, which has none"},
          {[](Job& j) {
             j.measured_layers = {{4, 1, -1, 1}};
           },
           "measured_layers of layer 4: i_ns is -1; allowed are 0 to 10000000000000"},
      });
}

// DeepSeek-V3 report, section 3.3. A job's own choice goes before its precision's.
TEST(Job, FormatsFollowThePrecisionAndThenTheChoice) {
  using enum Format;
  Job job = tests::deepseek_v3_job();
  EXPECT_EQ(formats_of(job), (Formats{kFp8, kFp8, kBf16, kFp8, kE5m6, kFp8, kBf16, kBf16}));
  job.formats.cached_core = kBf16;
  job.formats.moments = kFp32;
  EXPECT_EQ(formats_of(job), (Formats{kFp8, kFp8, kBf16, kFp8, kBf16, kFp8, kBf16, kFp32}));
  job.precision = Precision::kBf16;
  job.formats = {};
  EXPECT_EQ(formats_of(job), Formats{});
}

// Tries each choice in a BF16 job, in which only moments are FP32.
TEST(Formats, EachChoiceReplacesItsOwn) {
  const std::pair<std::optional<Format> FormatChoice::*, Format Formats::*> fields[] = {
      {&FormatChoice::attention, &Formats::attention}, {&FormatChoice::mlp, &Formats::mlp},
      {&FormatChoice::cached, &Formats::cached},       {&FormatChoice::cached_core, &Formats::cached_core},
      {&FormatChoice::dispatch, &Formats::dispatch},   {&FormatChoice::combine, &Formats::combine},
      {&FormatChoice::moments, &Formats::moments}};
  for (const auto& [choice, field] : fields) {
    Job job;
    job.formats.*choice = Format::kFp8;
    Formats expected;
    expected.*field = Format::kFp8;
    EXPECT_EQ(formats_of(job), expected);
  }
}

TEST(Formats, BytesOfARowHaveItsScales) {
  EXPECT_EQ(row_bytes(Format::kFp32, 100), 400);
  EXPECT_EQ(row_bytes(Format::kBf16, 100), 200);
  EXPECT_EQ(row_bytes(Format::kE5m6, 100), 154);
  EXPECT_EQ(row_bytes(Format::kE5m6, 130), 203);
  EXPECT_EQ(row_bytes(Format::kFp8, 128), 132);
  EXPECT_EQ(row_bytes(Format::kFp8, 129), 137);
}

TEST(Job, RefusesEachIllegalFieldOfDirectCostsAlone) {
  expect_refused(tests::direct_job(4, 8),
                 {
                     {[](Job& j) { j.costs->f_ns = {}; },
                      "costs.f_ns is empty; allowed is one entry for all stages, or one per stage"},
                     {[](Job& j) {
                        j.costs->w_ns = {1, -1};
                      },
                      "costs.w_ns[1] is -1; allowed are 0 to 10000000000000"},
                     {[](Job& j) { j.costs->b_ns = {INT64_MAX}; },
                      "costs.b_ns[0] is 9223372036854775807; allowed are 0 to 10000000000000"},
                     {[](Job& j) { j.costs->pair_ns = -1; }, "costs.pair_ns is -1; allowed are 0 to 10000000000000"},
                     {[](Job& j) { j.micro_batches = 0; }, "micro_batches is 0; allowed are 1 to 1000000"},
                     {[](Job& j) { j.weight_share_millionths = 1'000'001; },
                      "weight_share_millionths is 1000001; allowed are 0 to 1000000"},
                     {[](Job& j) {
                        j.measured_layers = {{0, 1, 1, 1}};
                      },
                      "measured_layers is given; allowed only with a model"},
                     {[](Job& j) { j.variation.expert_imbalance = 0.1; },
                      "variation.expert_imbalance is given; it needs a model with experts (model.moe)"},
                     {[](Job& j) { j.layout.layers_per_stage = {1}; },
                      "layout.layers_per_stage is given; allowed only with a model"},
                 });
}

}  // namespace
}  // namespace pipeloom
