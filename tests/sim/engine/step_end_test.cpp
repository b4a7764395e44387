#include "sim/engine/step_end.h"

#include <gtest/gtest.h>

#include "sim/engine/simulate.h"
#include "tests/support/orders.h"

namespace pipeloom::sim {
namespace {

StepCosts costs_of(const Schedule& schedule, std::vector<StageCost> stages, int64_t reduction_ns,
                   int64_t optimizer_ns) {
  ScheduleCosts::Input input;
  input.stages = std::move(stages);
  StepCosts costs{.schedule = ScheduleCosts::create(schedule.stages(), schedule.ranks(), input).value()};
  costs.gradient_reduction_ns.assign(schedule.stages(), reduction_ns);
  costs.optimizer_ns.assign(schedule.stages(), optimizer_ns);
  return costs;
}

TEST(StepEnd, ReducesAfterTheLastWAndThenRunsTheOptimizer) {
  const Schedule schedule =
      Schedule::create(Placement::linear(2).value(), 1, tests::parse_orders("0: F0 B0\n1: F0 B0")).value();
  const StepCosts costs = costs_of(schedule, std::vector(2, StageCost::plain(10, 10, 10)), 7, 3);
  const StepEnd end = step_end(schedule, simulate(schedule, costs.schedule, {}).value(), costs);
  // Rank 1 ends B0 at 40, rank 0 at 60.
  EXPECT_EQ(end.ranks[1].reductions[0].begin_ns, 40);
  EXPECT_EQ(end.ranks[1].optimizer_end_ns, 40 + 7 + 3);
  EXPECT_EQ(end.ranks[0].optimizer_end_ns, 60 + 7 + 3);
  EXPECT_EQ(end.step_ns, 70);
}

// Rank 1 ends B0 at 40, rank 0 at 60, so both have the embedding's gradients at 60.
TEST(StepEnd, SharedEmbeddingIsReducedWhenBothStagesAreDone) {
  const Schedule schedule =
      Schedule::create(Placement::linear(2).value(), 1, tests::parse_orders("0: F0 B0\n1: F0 B0")).value();
  StepCosts costs = costs_of(schedule, std::vector(2, StageCost::plain(10, 10, 10)), 7, 3);
  costs.shares_embedding = true;
  const StepEnd end = step_end(schedule, simulate(schedule, costs.schedule, {}).value(), costs);
  EXPECT_EQ(end.ranks[1].reductions[0].begin_ns, 60);
  EXPECT_EQ(end.ranks[0].reductions[0].begin_ns, 60);
}

TEST(StepEnd, TheOptimizerWaitsForTheMovingAverage) {
  const Schedule schedule =
      Schedule::create(Placement::linear(2).value(), 1, tests::parse_orders("0: F0 B0\n1: F0 B0")).value();
  StepCosts costs = costs_of(schedule, std::vector(2, StageCost::plain(10, 10, 10)), 7, 3);
  const Timeline timeline = simulate(schedule, costs.schedule, {}).value();
  costs.ema_ns = {30, 30};
  EXPECT_EQ(step_end(schedule, timeline, costs).step_ns, 70);  // beside the step: nothing waits
  EXPECT_EQ(step_end(schedule, timeline, costs).ranks[0].ema_end_ns, 30);
  costs.ema_ns = {90, 30};
  EXPECT_EQ(step_end(schedule, timeline, costs).ranks[0].optimizer_begin_ns, 90);
  EXPECT_EQ(step_end(schedule, timeline, costs).ranks[1].optimizer_begin_ns, 47);
}

TEST(StepEnd, ACopyWaitsForTheOtherCopysLastW) {
  // Two pipes: micro-batch 0 down, 1 up. Stage 0 lies on both ranks.
  const Schedule schedule = Schedule::create(Placement::bidirectional(2, 1).value(), {0, 1},
                                             tests::parse_orders("0: F0@0 F1@1 B1@1 B0@0\n1: F1@0 F0@1 B0@1 B1@0"))
                                .value();
  // Stage 1 is slow, so the ranks end at different times for the two stages.
  const StepCosts costs = costs_of(schedule, {StageCost::plain(10, 10, 10), StageCost::plain(10, 10, 50)}, 7, 3);
  const Timeline timeline = simulate(schedule, costs.schedule, {}).value();
  const StepEnd end = step_end(schedule, timeline, costs);
  for (int stage = 0; stage < 2; ++stage) {
    int64_t last_weight_ns = 0;
    for (uint32_t slot = 0; slot < schedule.slots().size(); ++slot) {
      const Slot& content = schedule.slots()[slot];
      if (content.kind == SlotKind::kB && content.stage == stage) {
        last_weight_ns = std::max(last_weight_ns, timeline.end_ns[slot]);
      }
    }
    for (const RankEnd& rank : end.ranks) {
      for (const RankEnd::Reduction& reduction : rank.reductions) {
        EXPECT_TRUE(reduction.stage != stage || reduction.begin_ns >= last_weight_ns);
      }
    }
  }
}

TEST(StepEnd, TheCopyThatEndsLastDecides) {
  // Pipe 0 has two micro-batches, so rank 0 ends stage 0 long after rank 1, whose slots have higher numbers.
  const Schedule schedule =
      Schedule::create(Placement::bidirectional(2, 1).value(), {0, 0, 1},
                       tests::parse_orders("0: F0@0 F1@0 F2@1 B2@1 B0@0 B1@0\n1: F2@0 F0@1 B0@1 B2@0 F1@1 B1@1"))
          .value();
  const StepCosts costs = costs_of(schedule, std::vector(2, StageCost::plain(10, 10, 10)), 7, 3);
  const Timeline timeline = simulate(schedule, costs.schedule, {}).value();
  const StepEnd end = step_end(schedule, timeline, costs);
  const int64_t rank_0_last_ns = timeline.end_ns[schedule.first_slot(1) - 1];
  for (const RankEnd& rank : end.ranks) {
    EXPECT_EQ(rank.reductions.back().stage, 0);
    EXPECT_GE(rank.reductions.back().begin_ns, rank_0_last_ns);
  }
}

}  // namespace
}  // namespace pipeloom::sim
