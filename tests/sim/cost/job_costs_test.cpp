#include "sim/cost/job_costs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

const std::vector<int> kLayers = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 1};

StepCosts deepseek_costs() {
  return step_costs(tests::deepseek_v3_job(), Placement::bidirectional(16, 1).value(), kLayers).value();
}

TEST(StepCosts, StagesAreTheSumOfTheirComponents) {
  const StepCosts costs = deepseek_costs();
  for (int stage = 0; stage < 16; ++stage) {
    int64_t forward_ns = 0;
    int64_t input_ns = 0;
    int64_t backward_ns = 0;
    int64_t all_to_all_ns = 0;
    for (const ComponentCost& part : costs.programs[stage]) {
      forward_ns += part.forward_ns;
      input_ns += part.input_ns;
      backward_ns += part.input_ns + part.weight_ns;
      if (part.lane == Lane::kEp) all_to_all_ns += part.forward_ns;
    }
    EXPECT_EQ(costs.schedule.stage(stage).forward.duration_ns, forward_ns);
    // W runs beside the all-to-all of I, which slows it down.
    EXPECT_LE(costs.schedule.stage(stage).backward.duration_ns, backward_ns);
    EXPECT_GE(costs.schedule.stage(stage).backward.duration_ns, input_ns);
    EXPECT_EQ(costs.schedule.stage(stage).input_backward.duration_ns, input_ns);
    EXPECT_EQ(costs.communication[stage].forward_ns, all_to_all_ns);
  }
}

TEST(StepCosts, EveryVectorHasOneEntryPerStage) {
  const StepCosts costs = deepseek_costs();
  EXPECT_TRUE(costs.in_bytes());
  EXPECT_EQ(costs.layers_per_stage, kLayers);
  EXPECT_EQ(costs.programs.size(), 16u);
  EXPECT_EQ(costs.activations.size(), 16u);
  EXPECT_EQ(costs.states.size(), 16u);
  EXPECT_EQ(costs.communication.size(), 16u);
  EXPECT_EQ(costs.pair_hidden_ns.size(), 256u);
  EXPECT_EQ(costs.gradient_reduction_ns.size(), 16u);
  EXPECT_EQ(costs.optimizer_ns.size(), 16u);
}

TEST(StepCosts, TheEndsAreOnTheFirstAndLastStage) {
  const StepCosts costs = deepseek_costs();
  EXPECT_EQ(costs.programs.front().front().component, Component::kEmbed);
  EXPECT_EQ(costs.programs.back().back().component, Component::kHead);
  EXPECT_EQ(costs.programs[5].size(), 4u * 5);
}

// Overlapping an empty F with B would hide B's own all-to-all beneath its W; a pair is never shorter than its passes.
TEST(StepCosts, AStageMayBeWithoutLayers) {
  const std::vector<int> layers = {0, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4};
  const auto costs = step_costs(tests::deepseek_v3_job(), Placement::bidirectional(16, 1).value(), layers);
  ASSERT_TRUE(costs.has_value()) << costs.error().message;
  EXPECT_EQ(costs->programs[0].size(), 1u);
  EXPECT_EQ(costs->schedule.pair(0, 5).duration_ns, costs->schedule.stage(5).backward.duration_ns);
}

// The measured pair of four MoE layers spans 129.0 ms, 126.9 without waits for peers (docs/research/dsv3_chunk.md),
// which the model does not know; its layers' compute may be off by 15 % (layer_costs_test), mean of six less.
TEST(StepCosts, PairOfTheMeasuredDeepSeekV3Chunk) {
  const StepCosts costs = deepseek_costs();
  const double pair_ms = static_cast<double>(costs.schedule.pair(5, 10).duration_ns) / 1e6;
  printf("  predicted %.1f ms, measured 129.0 (%+.1f %%)\n", pair_ms, 100 * (pair_ms / 129.012 - 1));
  EXPECT_NEAR(pair_ms, 129.0, 0.12 * 129.0);
  // 96.3 % of the measured communication hides; the model's, without waits, all.
  const double communication =
      static_cast<double>(costs.communication[5].forward_ns + costs.communication[10].backward_ns);
  EXPECT_GT(static_cast<double>(costs.pair_hidden_ns[5 * 16 + 10]), 0.9 * communication);
}

TEST(StepCosts, PairsLieBetweenTheLongerPassAndBoth) {
  const StepCosts costs = deepseek_costs();
  for (int f = 0; f < 16; ++f) {
    for (int b = 0; b < 16; ++b) {
      const int64_t forward_ns = costs.schedule.stage(f).forward.duration_ns;
      const int64_t backward_ns = costs.schedule.stage(b).backward.duration_ns;
      const int64_t pair_ns = costs.schedule.pair(f, b).duration_ns;
      EXPECT_GE(pair_ns, std::max(forward_ns, backward_ns));
      EXPECT_LE(pair_ns, forward_ns + backward_ns);
      EXPECT_GE(costs.pair_hidden_ns[f * 16 + b], 0);
      EXPECT_LE(costs.pair_hidden_ns[f * 16 + b],
                costs.communication[f].forward_ns + costs.communication[b].backward_ns);
    }
  }
}

// ISCA'25, table 4: 385 causal TFLOPS in a step of 19.926 s.
TEST(StepCosts, ReportedFlopsAreDeepSeekV3s) {
  EXPECT_NEAR(static_cast<double>(reported_flops_per_step(tests::deepseek_v3_job())) / 19.926e12, 385.1, 0.1);
}

// ISCA'25, table 4: the optimizer takes 0.29 s, which includes what of the reductions is not hidden. Rings at the full
// rate of all NICs take 0.21 s with nothing hidden: of the same size, and the faster side.
TEST(StepCosts, OptimizerOfDeepSeekV3IsOfThePublishedSize) {
  const StepCosts costs = deepseek_costs();
  const int64_t reduction_ns = costs.gradient_reduction_ns[5] + costs.gradient_reduction_ns[10];
  const int64_t update_ns = costs.optimizer_ns[5] + costs.optimizer_ns[10];
  EXPECT_GT(reduction_ns + update_ns, 200'000'000);  // nothing hidden
  EXPECT_LT(update_ns, 290'000'000);                 // all reductions hidden
}

TEST(StepCosts, DenseModelsPairsAreFThenB) {
  const Job job = tests::llama3_405b_job();
  const std::vector<int> layers = {7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 7};
  const StepCosts costs = step_costs(job, Placement::linear(16).value(), layers).value();
  EXPECT_FALSE(costs.schedule.has_pair_costs());
  EXPECT_TRUE(costs.pair_hidden_ns.empty());
  EXPECT_EQ(costs.communication[3], StageCommunication{});
}

TEST(StepCosts, LayersMustFitThePlacement) {
  const auto costs = step_costs(tests::deepseek_v3_job(), Placement::linear(16).value(), {30, 31});
  ASSERT_FALSE(costs.has_value());
  EXPECT_EQ(costs.error().message, "layout.layers_per_stage has 2 entries; the placement has 16 stages");
}

TEST(StepCosts, DirectCostsOneForAll) {
  Job job = tests::direct_job(4, 8);
  job.costs->b_ns = {1'500'000};
  job.costs->pair_ns = 2'000'000;
  job.p2p.latency_ns = 7;
  job.weight_share_millionths = 250'000;
  const StepCosts costs = step_costs(make_job(job).value(), Placement::linear(4).value(), {}).value();
  EXPECT_FALSE(costs.in_bytes());
  EXPECT_EQ(costs.schedule.stage(3), StageCost::plain(1'000'000, 1'000'000, 1'000'000, 1'500'000));
  EXPECT_EQ(costs.schedule.pair(0, 3).duration_ns, 2'000'000);
  EXPECT_EQ(costs.schedule.link(0, 1), (LinkCost{7, 0}));
  EXPECT_EQ(costs.activations[2], (ActivationSize{1'000'000, 250'000}));
  ASSERT_EQ(costs.programs[2].size(), 1u);
  EXPECT_EQ(costs.programs[2][0].component, Component::kStage);
}

TEST(StepCosts, DirectCostsOnePerStage) {
  Job job = tests::direct_job(2, 8);
  job.costs->f_ns = {1, 2};
  const StepCosts costs = step_costs(job, Placement::linear(2).value(), {}).value();
  EXPECT_EQ(costs.schedule.stage(0).forward.duration_ns, 1);
  EXPECT_EQ(costs.schedule.stage(1).forward.duration_ns, 2);
  EXPECT_FALSE(costs.schedule.has_pair_costs());
}

TEST(StepCosts, DirectCostsMustFitTheStages) {
  Job job = tests::direct_job(4, 8);
  job.costs->f_ns = {1, 2, 3};
  const auto costs = step_costs(job, Placement::linear(4).value(), {});
  ASSERT_FALSE(costs.has_value());
  EXPECT_EQ(costs.error().message,
            "costs.f_ns has 3 entries; allowed are 1, or one for each of the placement's 4 stages");
}

// The planner asks for many placements: 10 ms each, far above the 0.2 ms it takes in a release build. Best of several
// runs: the machine may be busy.
TEST(StepCosts, AreFast) {
  const Job job = tests::deepseek_v3_job();
  const Placement placement = Placement::bidirectional(16, 1).value();
  auto best = std::chrono::steady_clock::duration::max();
  for (int run = 0; run < 10; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(step_costs(job, placement, kLayers).has_value());
    best = std::min(best, std::chrono::steady_clock::now() - begin);
  }
  EXPECT_LT(best, std::chrono::milliseconds(10));
}

}  // namespace
}  // namespace pipeloom::sim
