#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "proto/job/training_rates_files.h"
#include "sim/cost/groups.h"
#include "sim/cost/job_costs.h"
#include "sim/cost/layer_costs.h"
#include "sim/cost/memory_model.h"
#include "sim/cost/training_context.h"
#include "sim/cost/training_kernels.h"
#include "sim/cost/training_reduction.h"
#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

// DeepSeek-V3 on H800, as a framework with HybridEP runs it.
Job deepseek() {
  Job job = tests::deepseek_v3_job();
  job.recompute = Recompute::kNone;
  Software& software = job.software.emplace();
  software.rates = proto::find_training_rates("H800").value();
  software.dispatcher = Dispatcher::kHybridEp;
  return job;
}

int64_t layer_ns(const Job& job, int layer = 10) {
  return sum_of(layer_costs(job, {job.cluster->compute_sms()}).layers[layer]).total_ns();
}

// Settings change a layer's time in the direction that they must.
TEST(TrainingCosts, FollowSettingsOfALayer) {
  const Job plain = deepseek();
  const auto changed = [&](const std::function<void(Job&)>& change) {
    Job job = plain;
    change(job);
    return layer_ns(job);
  };
  const int64_t before = layer_ns(plain);
  EXPECT_LT(changed([](Job& job) { job.software->recipe = ProductRecipe::kBlockwise; }), before);
  EXPECT_LT(changed([](Job& job) { job.software->fused_experts = true; }), before);
  EXPECT_LT(changed([](Job& job) { job.software->gradients = Format::kBf16; }), before);
  EXPECT_GT(changed([](Job& job) { job.software->dispatcher = Dispatcher::kDeepEp; }), before);
  EXPECT_GT(changed([](Job& job) { job.software->dispatcher = Dispatcher::kAllToAll; }), before);
  EXPECT_GT(changed([](Job& job) { job.software->compiled = false; }), before);
  EXPECT_GT(changed([](Job& job) {
              job.software->sdpa = true;
              job.software->rates.sdpa_forward_flops = 1e14;
              job.software->rates.sdpa_backward_flops = 1e14;
            }),
            before);
  EXPECT_GT(changed([](Job& job) { job.recompute = Recompute::kFull; }), before);
  for (const auto part : {&RecomputedParts::core_attention, &RecomputedParts::norms, &RecomputedParts::activations,
                          &RecomputedParts::up_projections, &RecomputedParts::experts, &RecomputedParts::operators}) {
    EXPECT_GT(changed([&](Job& job) { job.software->recompute.*part = true; }), before);
  }
}

// Selective recomputation costs the time of the modules that it stands for, as it frees their memory.
TEST(TrainingCosts, SelectiveRecomputationIsItsModules) {
  const Job none = deepseek();
  Job selective = none;
  selective.recompute = Recompute::kSelective;
  Job modules = none;
  RecomputedParts& parts = modules.software->recompute;
  parts.norms = parts.activations = parts.up_projections = true;
  EXPECT_GT(layer_ns(selective), layer_ns(none));
  EXPECT_EQ(layer_ns(selective), layer_ns(modules));
  const StageSpan span = {10, 2, false, false};
  EXPECT_LT(stage_activation(selective, span).total, stage_activation(none, span).total);
  EXPECT_EQ(stage_activation(selective, span).total, stage_activation(modules, span).total);
}

// Keys and values of 2048 tokens go round two GPUs. 128 heads of 192 + 128 numbers: 335.5 MB with their gradients.
TEST(TrainingCosts, ARingOfContextParallelismShowsWhatAttentionDoesNotHide) {
  Job job = deepseek();
  job.layout.context = 2;
  const TrainingRates& rates = job.software->rates;
  const double bytes_per_s =
      ring_bytes_per_s(context_group(job.layout, *job.cluster), *job.cluster) * rates.tensor_ring_share;
  const double exchange = 2.0 * 2048 * 128 * (192 + 128) / bytes_per_s + rates.ring_start_us * 1e-6;
  EXPECT_NEAR(context_exchange(job, {}).forward, exchange, 1e-9);
  EXPECT_GT(context_exchange(job, {}).input, exchange);
  EXPECT_NEAR(context_exchange(job, {.forward = exchange}).forward, exchange / 2, 1e-9);  // beside half of attention
  EXPECT_EQ(context_exchange(job, {.forward = 1, .input = 1}).total(), 0);
  job.layout.context = 1;
  EXPECT_EQ(context_exchange(job, {}).total(), 0);
}

// Nothing hides two all-to-alls: queries, keys, values and results, of which half stays on each of two GPUs.
TEST(TrainingCosts, AllToAllsOfContextParallelismShow) {
  Job job = deepseek();
  job.layout.context = 2;
  job.software->context_all_to_all = true;
  const TrainingRates& rates = job.software->rates;
  const double bytes_per_s =
      ring_bytes_per_s(context_group(job.layout, *job.cluster), *job.cluster) * rates.tensor_ring_share;
  const double exchange = 2.0 * 2048 * 128 * (192 + 128) / bytes_per_s + rates.ring_start_us * 1e-6;
  EXPECT_NEAR(context_exchange(job, {.forward = 1, .input = 1}).forward, exchange, 1e-9);
  EXPECT_NEAR(context_exchange(job, {.forward = 1, .input = 1}).input, exchange, 1e-9);
}

// What a job's software decides: layers of each kind, head and MTP module, and the end of a step.
struct Figures {
  int64_t dense_ns = 0;
  int64_t experts_ns = 0;
  int64_t last_ns = 0;
  int64_t reduction_ns = 0;
  int64_t optimizer_ns = 0;

  bool operator==(const Figures&) const = default;
};

Figures figures_of(const Job& job) {
  const LayerCosts costs = layer_costs(job, {job.cluster->compute_sms()});
  const PassTimes experts = sum_of(costs.layers[10]);
  const StageParameters parameters = {.dense = 1'000'000'000, .routed = 1'000'000'000, .ends = 0};
  const TrainingEnd end = training_end(job, parameters, 1, experts);
  return {sum_of(costs.layers[0]).total_ns(), experts.total_ns(), sum_of(costs.last).total_ns(), end.reduction_ns,
          end.optimizer_ns};
}

struct SettingCase {
  const char* name;
  std::function<void(Job&)> change;
};

// With the GB200's rates, which have all formats.
TEST(TrainingCosts, FollowEverySettingOfSoftware) {
  Job plain = deepseek();
  plain.layout.tensor = 2;
  plain.layout.data /= 2;
  plain.software->rates = proto::find_training_rates("GB200").value();
  plain.software->rates.host_us_per_op = 0;
  const Figures before = figures_of(plain);
  std::vector<SettingCase> cases = {
      {"eight_bit_attention", [](Job& job) { job.software->eight_bit_attention = true; }},
      {"dispatcher: DEEP_EP", [](Job& job) { job.software->dispatcher = Dispatcher::kDeepEp; }},
      {"dispatcher: ALL_TO_ALL", [](Job& job) { job.software->dispatcher = Dispatcher::kAllToAll; }},
      {"overlap_gradients", [](Job& job) { job.software->overlap_gradients = true; }},
      {"overlap_weights", [](Job& job) { job.software->overlap_weights = true; }},
      {"overlap_tensor", [](Job& job) { job.software->overlap_tensor = true; }},
      {"fused_experts", [](Job& job) { job.software->fused_experts = true; }},
      {"compiled", [](Job& job) { job.software->compiled = false; }},
      {"sdpa", [](Job& job) { job.software->sdpa = true; }},
      {"low_precision_states", [](Job& job) { job.software->low_precision_states = true; }},
      {"gradients: BF16", [](Job& job) { job.software->gradients = Format::kBf16; }},
      {"gradients: FP16", [](Job& job) { job.software->gradients = Format::kFp16; }},
      {"gathered", [](Job& job) { job.software->gathered = Format::kFp8; }},
      {"window", [](Job& job) { job.model->attention.window = 128; }},
  };
  for (int recipe = 1; recipe <= static_cast<int>(ProductRecipe::kNvfp4); ++recipe) {
    cases.push_back({recipe_name(static_cast<ProductRecipe>(recipe)),
                     [=](Job& job) { job.software->recipe = static_cast<ProductRecipe>(recipe); }});
  }
  for (const auto& [name, part] : {std::pair{"core_attention", &RecomputedParts::core_attention},
                                   {"norms", &RecomputedParts::norms},
                                   {"activations", &RecomputedParts::activations},
                                   {"mlp", &RecomputedParts::mlp},
                                   {"up_projections", &RecomputedParts::up_projections},
                                   {"experts", &RecomputedParts::experts},
                                   {"operators", &RecomputedParts::operators}}) {
    cases.push_back({name, [part = part](Job& job) { job.software->recompute.*part = true; }});
  }
  for (const SettingCase& one : cases) {
    Job job = plain;
    one.change(job);
    EXPECT_NE(figures_of(job), before) << one.name;
  }
  Job narrow = plain;
  narrow.software->recipe = ProductRecipe::kMxfp8;
  const int64_t wide_head_ns = figures_of(narrow).last_ns;
  narrow.software->eight_bit_head = true;
  EXPECT_LT(figures_of(narrow).last_ns, wide_head_ns);
}

// Where the host is slower than the GPU.
TEST(TrainingCosts, FollowEveryCapturedPart) {
  Job plain = deepseek();
  plain.software->rates.host_us_per_op = 1'000;
  const Figures before = figures_of(plain);
  for (const auto part :
       {&CapturedParts::step, &CapturedParts::attention, &CapturedParts::router, &CapturedParts::mlp}) {
    Job job = plain;
    job.software->graphs.*part = true;
    const Figures captured = figures_of(job);
    EXPECT_LT(captured.dense_ns + captured.experts_ns, before.dense_ns + before.experts_ns);
  }
}

TEST(TrainingCosts, OverlapPairsWhereTheSoftwareDoes) {
  Job job = deepseek();
  const auto pairs = [&] {
    const std::vector<int> layers = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 1};
    return step_costs(job, Placement::linear(16).value(), layers).value().overlap.programs.size();
  };
  EXPECT_EQ(pairs(), 0u);
  job.software->overlap_experts = true;
  EXPECT_GT(pairs(), 0u);
}

// One GPU of 64 has half as many tokens again as all of them have on average.
TEST(TrainingCosts, FollowExpertLoads) {
  Job job = deepseek();
  const LayerCosts even = layer_costs(job, {132});
  ExpertLoad load{10, std::vector<int64_t>(256, 100)};
  load.tokens[5] += 200;
  load.tokens[100] -= 100;
  load.tokens[200] -= 100;
  const int mtp_layer = job.model->layers + 1;
  job.expert_loads = {load, {mtp_layer, load.tokens}};
  const LayerCosts loaded = layer_costs(job, {132});
  const auto expect_growth = [](const StageProgram& now, const StageProgram& before) {
    for (size_t i = 0; i < before.size(); ++i) {
      const bool experts = before[i].component == Component::kExperts || before[i].lane == Lane::kEp;
      const double factor = experts ? 1.5 : 1;
      EXPECT_NEAR(static_cast<double>(now[i].forward_ns), factor * static_cast<double>(before[i].forward_ns), 1);
      EXPECT_NEAR(static_cast<double>(now[i].input_ns), factor * static_cast<double>(before[i].input_ns), 1);
      EXPECT_NEAR(static_cast<double>(now[i].weight_ns), factor * static_cast<double>(before[i].weight_ns), 1);
    }
  };
  expect_growth(loaded.layers[10], even.layers[10]);
  expect_growth(loaded.last, even.last);
  EXPECT_EQ(loaded.layers[11], even.layers[11]);
}

TEST(TrainingCosts, HostWaitsOnlyWithoutGraphs) {
  Job job = deepseek();
  job.software->rates.host_us_per_op = 1'000;
  const int64_t slow_ns = layer_ns(job);
  job.software->graphs.router = true;
  EXPECT_LT(layer_ns(job), slow_ns);
  job.software->graphs.step = true;
  const int64_t captured_ns = layer_ns(job);
  EXPECT_LT(captured_ns, slow_ns / 2);
  job.software->rates.host_us_per_op = 0;
  EXPECT_EQ(layer_ns(job), captured_ns);
}

// DeepGEMM's (4096, 32768, 512) on H800 reaches 590 TFLOPS, (4096, 7168, 16384) 1358: what a result's bytes cost. The
// first comes out 15 % too fast.
TEST(TrainingKernels, ThinProductsAreBoundByTheirResults) {
  Job job = deepseek();
  job.software->rates = proto::published_training_rates("H800").value();
  job.software->recipe = ProductRecipe::kBlockwise;
  job.software->rates.transposed_bytes = 0;
  const TrainingKernels kernels(job, {132}, 1);
  const auto tflops = [&](double n, double k) {
    const double cast = 2e-6 + 4096 * k * 4.03 / (3.35e12 * 0.8);
    return 2 * 4096 * n * k / (kernels.linear({4096, n, k}).forward - cast) / 1e12;
  };
  EXPECT_NEAR(tflops(32768, 512), 590, 95);
  EXPECT_NEAR(tflops(7168, 16384), 1358, 80);
}

// cuDNN's rate at 4096 tokens on H200 for MLA, slower by the factor of training: half the square, 128 heads of 192 and
// 128.
TEST(TrainingKernels, AttentionFollowsTheBenchmark) {
  const Job job = deepseek();
  const TrainingKernels kernels(job, {132}, 1);
  const double pairs = 4096.0 * 4096 / 2 * 128;
  const PassSeconds core = kernels.attention(job.model->attention, pairs, false);
  EXPECT_NEAR(core.forward, 2 * 320 * pairs / 599e12 * job.software->rates.attention_slowdown, 1e-6);
  EXPECT_NEAR(core.input, 2.6 * 2 * 320 * pairs / 404e12 * job.software->rates.attention_slowdown, 1e-6);
}

TEST(TrainingKernels, AWindowNeverSlowsAttention) {
  const Job job = deepseek();
  const TrainingKernels kernels(job, {132}, 1);
  AttentionShape shape = job.model->attention;
  const double pairs = 4096.0 * 4096 / 2 * 128;
  const PassSeconds whole = kernels.attention(shape, pairs, false);
  for (const int window : {1, 128, 1024, 2048, 4096, 100'000}) {
    shape.window = window;
    const PassSeconds windowed = kernels.attention(shape, pairs, true);
    EXPECT_LE(windowed.forward, whole.forward) << window;
    EXPECT_LE(windowed.input, whole.input) << window;
  }
  shape.window = 128;
  EXPECT_LT(kernels.attention(shape, pairs, true).forward, whole.forward / 2);
}

TEST(TrainingKernels, AWindowBeyondTheSequenceIsTheSequence) {
  Job job = deepseek();
  job.software->sdpa = true;
  const TrainingKernels kernels(job, {132}, 1);
  AttentionShape shape = job.model->attention;
  const double whole = kernels.attention(shape, 1e9, false).forward;
  shape.window = 1024;
  EXPECT_DOUBLE_EQ(kernels.attention(shape, 1e9, true).forward, whole / 2);
  shape.window = 8192;
  EXPECT_DOUBLE_EQ(kernels.attention(shape, 1e9, true).forward, whole);
}

// MooreThreads/SimuMax: on B200 products that fill a node reach 0.48 to 0.50 of the peak, 0.776 one by one.
TEST(TrainingKernels, TheClockRisesWhereProductsLeavePower) {
  TrainingRates rates;
  rates.sustained_clock = 0.66;
  EXPECT_DOUBLE_EQ(clock_under_limit(rates, 1), 0.66);
  EXPECT_NEAR(clock_under_limit(rates, 0.5), 0.66 * std::pow(1.4, 0.4), 1e-12);
  EXPECT_EQ(clock_under_limit(rates, 0.01), 1);
  rates.sustained_clock = 1;
  EXPECT_EQ(clock_under_limit(rates, 0.9), 1);
}

TEST(TrainingKernels, TensorParallelismGathersWhatIsCast) {
  Job job = deepseek();
  job.layout.tensor = 4;
  job.layout.sequence_parallel = true;
  const double wide = TrainingKernels(job, {132}, 1).tensor_gather();
  const double reduction = TrainingKernels(job, {132}, 1).tensor_reduction();
  EXPECT_DOUBLE_EQ(wide, reduction);
  job.software->recipe = ProductRecipe::kBlockwise;
  const double start = job.software->rates.ring_start_us * 1e-6;
  EXPECT_NEAR(TrainingKernels(job, {132}, 1).tensor_gather() - start, (wide - start) / 2, 1e-12);
  EXPECT_DOUBLE_EQ(TrainingKernels(job, {132}, 1).tensor_reduction(), reduction);
  job.software->recipe = ProductRecipe::kRowwise;
  EXPECT_DOUBLE_EQ(TrainingKernels(job, {132}, 1).tensor_gather(), wide);
}

// Overlapped, a collective hides behind its product; one that is longer than the product stays visible.
TEST(TrainingCosts, LongCollectivesShowBesideShortProducts) {
  Job job = deepseek();
  job.model->moe.reset();
  job.model->intermediate = 18432;
  job.layout.tensor = 8;
  job.layout.sequence_parallel = true;
  const auto shown = [&](double share_of_links) {
    job.software->rates.tensor_ring_share = share_of_links;
    job.software->overlap_tensor = false;
    const int64_t alone = layer_ns(job);
    job.software->overlap_tensor = true;
    return static_cast<double>(layer_ns(job)) / static_cast<double>(alone);
  };
  EXPECT_LT(shown(1), shown(0.05));  // slow links: the longest part of the layer
  EXPECT_LT(shown(0.05), 1);
}

TEST(TrainingCosts, ClampedActivationsRunAsManyKernels) {
  Job job = deepseek();
  const int64_t fused_ns = layer_ns(job);
  job.model->clamped_activation = true;
  const int64_t eager_ns = layer_ns(job);
  // 110 bytes more for each inner number of each row that the GPU's experts get.
  const double rows = 4096.0 * 8 / job.layout.tensor;
  const double rate = job.cluster->gpu.memory_bytes_per_s * job.software->rates.memory_efficiency;
  EXPECT_NEAR(static_cast<double>(eager_ns - fused_ns), 110 * rows * 2048 / rate * 1e9, 0.1e6);
  job.software->fused_experts = true;  // no kernel of products has the clamp, but one kernel has the whole function
  EXPECT_LT(layer_ns(job), eager_ns);
}

TEST(TrainingCosts, TheFullestGpuSetsThePaceOfExperts) {
  Job job = deepseek();
  const auto experts_ns = [&] {
    int64_t sum = 0;
    const LayerCosts costs = layer_costs(job, {132});
    for (const ComponentCost& part : costs.layers[10]) {
      if (part.component == Component::kExperts || part.lane == Lane::kEp) sum += part.forward_ns;
    }
    return static_cast<double>(sum);
  };
  const double before = experts_ns();
  job.software->expert_imbalance = 0.15;
  EXPECT_NEAR(experts_ns() / before, 1.15, 1e-5);
}

// The host launches a pair's kernels while its all-to-all is hidden: that time is no help any more.
TEST(TrainingCosts, HiddenTransfersGiveTheHostNoTime) {
  Job job = deepseek();
  job.software->rates.host_us_per_op = 1'000;
  const auto wait_ns = [&] { return layer_costs(job, {132}).layers[10].front().forward_ns; };
  const int64_t exposed = wait_ns();
  job.software->overlap_experts = true;
  EXPECT_GT(wait_ns(), exposed);
}

TEST(TrainingReduction, HidesBehindTheLastBackwardPass) {
  Job job = deepseek();
  const StageParameters parameters = {.dense = 10'000'000'000, .routed = 0, .ends = 0};
  const PassTimes passes = {10'000'000, 20'000'000, 20'000'000};
  const TrainingEnd alone = training_end(job, parameters, 1, passes);
  job.software->overlap_gradients = true;
  const TrainingEnd hidden = training_end(job, parameters, 1, passes);
  EXPECT_NEAR(static_cast<double>(alone.reduction_ns) - 0.95 * 0.8 * 40e6, static_cast<double>(hidden.reduction_ns), 2);
  job.software->overlap_weights = true;
  EXPECT_LT(training_end(job, parameters, 1, passes).optimizer_ns, hidden.optimizer_ns);
  job.software->low_precision_states = true;
  job.software->gathered = Format::kFp8;
  EXPECT_LT(training_end(job, parameters, 1, passes).optimizer_ns, hidden.optimizer_ns);
}

}  // namespace
}  // namespace pipeloom::sim
