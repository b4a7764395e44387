#include "planner/overlap/slot_order_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <random>

#include "sim/cost/stage_span.h"
#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

StageProgram scaled(StageProgram program, int64_t percent) {
  for (ComponentCost& part : program) {
    if (part.lane == Lane::kEp) continue;
    for (int64_t* ns : {&part.forward_ns, &part.input_ns, &part.weight_ns}) *ns = *ns * percent / 100;
  }
  return program;
}

sim::OverlapStage stage_of(const StageProgram& program, int64_t beside_dispatch_percent,
                           int64_t beside_combine_percent) {
  return {program, {scaled(program, beside_dispatch_percent), scaled(program, beside_combine_percent)}};
}

sim::OverlapStage random_stage(std::mt19937_64& random, int layers) {
  const auto ns = [&](int64_t most_us) { return 1000 * std::uniform_int_distribution<int64_t>(1, most_us)(random); };
  StageProgram program;
  for (int layer = 0; layer < layers; ++layer) {
    program.push_back({layer, Component::kAttention, Lane::kCompute, ns(1000), ns(2000), ns(600)});
    program.push_back({layer, Component::kDispatch, Lane::kEp, ns(1200), ns(1500), 0});
    program.push_back({layer, Component::kExperts, Lane::kCompute, ns(1000), ns(1000), ns(1000)});
    program.push_back({layer, Component::kCombine, Lane::kEp, ns(1500), ns(1200), 0});
  }
  return stage_of(program, 100 + ns(30) / 1000, 100 + ns(20) / 1000);
}

// Every interleaving of F's and I's chains with each W somewhere after its I: the shortest of all, timed by the engine.
int64_t shortest_by_enumeration(const sim::OverlapStage& forward, const sim::OverlapStage& backward) {
  const SlotProgram f = forward_program(forward.alone);
  const SlotProgram i = input_program(backward.alone);
  const SlotProgram w = weight_program(backward.alone);
  int64_t best = INT64_MAX;
  SlotProgram order;
  std::vector<bool> used(w.size(), false);
  const std::function<void(size_t, size_t)> extend = [&](size_t fs, size_t is) {
    if (order.size() == f.size() + i.size() + w.size()) {
      best = std::min(best, sim::time_slot(order, forward, backward).duration_ns);
      return;
    }
    const auto with = [&](const SlotStep& step, size_t next_f, size_t next_i) {
      order.push_back(step);
      extend(next_f, next_i);
      order.pop_back();
    };
    if (fs < f.size()) with(f[fs], fs + 1, is);
    if (is < i.size()) with(i[is], fs, is + 1);
    for (size_t k = 0; k < w.size(); ++k) {
      const bool ready = std::any_of(i.begin(), i.begin() + static_cast<std::ptrdiff_t>(is),
                                     [&](const SlotStep& step) { return step.component == w[k].component; });
      if (used[k] || !ready) continue;
      used[k] = true;
      with(w[k], fs, is);
      used[k] = false;
    }
  };
  extend(0, 0);
  return best;
}

TEST(ChunkSearch, FindsTheShortestOfAllOrders) {
  std::mt19937_64 random(7);
  int better_than_usual = 0;
  for (int trial = 0; trial < 40; ++trial) {
    const sim::OverlapStage forward = random_stage(random, 1);
    const sim::OverlapStage backward = random_stage(random, 1);
    const FoundSlotOrder plan = search_slot_order(forward, backward);
    // Ends are rounded up to a nanosecond, so that an order may gain one for each of its 12 components.
    const int64_t shortest_ns = shortest_by_enumeration(forward, backward);
    EXPECT_GE(plan.duration_ns, shortest_ns);
    EXPECT_LE(plan.duration_ns, shortest_ns + 12) << "trial " << trial;
    EXPECT_LE(plan.bound_ns, plan.duration_ns);
    better_than_usual += plan.is_usual ? 0 : 1;
  }
  EXPECT_GT(better_than_usual, 0);
  EXPECT_LT(better_than_usual, 40);
}

TEST(ChunkSearch, IsNeverSlowerThanFigure4AndRespectsItsBound) {
  std::mt19937_64 random(11);
  for (int trial = 0; trial < 20; ++trial) {
    const int layers = 1 + trial % 4;
    const sim::OverlapStage forward = random_stage(random, layers);
    const sim::OverlapStage backward = random_stage(random, 1 + trial % 3);
    const FoundSlotOrder plan = search_slot_order(forward, backward);
    EXPECT_LE(plan.duration_ns, plan.usual_ns);
    EXPECT_LE(plan.bound_ns, plan.duration_ns);
    EXPECT_EQ(plan.duration_ns, sim::time_slot(plan.program, forward, backward).duration_ns);
    EXPECT_EQ(plan.program.size(), sim::usual_order(forward, backward).size());
  }
}

// B alone: W's beside the all-to-all of its own I.
TEST(ChunkSearch, PlansABackwardAlone) {
  std::mt19937_64 random(13);
  int better_than_usual = 0;
  for (int trial = 0; trial < 40; ++trial) {
    const sim::OverlapStage backward = random_stage(random, 2);
    const FoundSlotOrder plan = search_slot_order({}, backward);
    const int64_t shortest_ns = shortest_by_enumeration({}, backward);
    EXPECT_GE(plan.duration_ns, shortest_ns);
    EXPECT_LE(plan.duration_ns, shortest_ns + 12) << "trial " << trial;
    EXPECT_LE(plan.bound_ns, plan.duration_ns);
    EXPECT_LE(plan.duration_ns, plan.usual_ns);
    better_than_usual += plan.is_usual ? 0 : 1;
  }
  EXPECT_GT(better_than_usual, 0);
}

// Chunks too long to look at every order: the chains stay near each other.
TEST(ChunkSearch, PlansLongChunks) {
  std::mt19937_64 random(17);
  int better_than_usual = 0;
  for (const int layers : {6, 8, 16, 40}) {
    const sim::OverlapStage forward = random_stage(random, layers);
    const sim::OverlapStage backward = random_stage(random, layers);
    const FoundSlotOrder plan = search_slot_order(forward, backward);
    EXPECT_LE(plan.bound_ns, plan.duration_ns);
    EXPECT_LE(plan.duration_ns, plan.usual_ns);
    // The bound is the weaker one where not every order is looked at.
    EXPECT_LE(static_cast<double>(plan.duration_ns), 1.1 * static_cast<double>(plan.bound_ns)) << layers;
    EXPECT_EQ(plan.duration_ns, sim::time_slot(plan.program, forward, backward).duration_ns);
    better_than_usual += plan.is_usual ? 0 : 1;
  }
  EXPECT_GT(better_than_usual, 0);
}

// With the trace's mean durations and 20 SMs DeepSeek's own order is the best there is.
TEST(ChunkSearch, KeepsDeepSeeksOrderWhereNothingIsGained) {
  StageProgram program;
  for (int layer = 0; layer < 4; ++layer) {
    program.push_back({layer, Component::kAttention, Lane::kCompute, 4'599'000, 9'540'000, 2'396'000});
    program.push_back({layer, Component::kDispatch, Lane::kEp, 4'346'000, 6'368'000, 0});
    program.push_back({layer, Component::kExperts, Lane::kCompute, 4'641'000, 5'363'000, 5'073'000});
    program.push_back({layer, Component::kCombine, Lane::kEp, 5'994'000, 3'405'000, 0});
  }
  const sim::OverlapStage stage = stage_of(program, 100, 100);
  const FoundSlotOrder plan = search_slot_order(stage, stage);
  EXPECT_TRUE(plan.is_usual);
  EXPECT_EQ(plan.duration_ns, 4 * (4'599'000 + 9'540'000 + 2'396'000 + 4'641'000 + 5'363'000 + 5'073'000));
  EXPECT_EQ(plan.bound_ns, plan.duration_ns);
}

// ISCA'25 and the report run pairs of four MoE layers on 20 SMs for communication.
TEST(ChunkSearch, DeepSeekV3sPairIsNearItsBound) {
  const Job job = tests::deepseek_v3_job();
  const sim::OverlapStage stage = sim::overlap_stages(job, {10, 4, 47})[1];
  const FoundSlotOrder plan = search_slot_order(stage, stage);
  printf("  pair %.1f ms, Figure 4 %.1f ms, bound %.1f ms\n", static_cast<double>(plan.duration_ns) / 1e6,
         static_cast<double>(plan.usual_ns) / 1e6, static_cast<double>(plan.bound_ns) / 1e6);
  EXPECT_NEAR(static_cast<double>(plan.duration_ns), 129'012'000, 0.1 * 129'012'000);
  EXPECT_LT(static_cast<double>(plan.duration_ns), 1.1 * static_cast<double>(plan.bound_ns));
}

}  // namespace
}  // namespace pipeloom::planner
