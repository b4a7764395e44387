#include "sim/robust/robustness.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/cost/direct_costs.h"
#include "sim/engine/simulate.h"
#include "sim/engine/step_end.h"
#include "sim/robust/step_sampler.h"
#include "tests/support/models.h"
#include "tests/support/orders.h"

namespace pipeloom::sim {
namespace {

// 1F1B on `ranks` ranks.
Schedule one_f_one_b_order(int ranks, int micro_batches) {
  RankOrders orders(ranks);
  for (int rank = 0; rank < ranks; ++rank) {
    const int ahead = std::min(ranks - 1 - rank, micro_batches);
    for (int m = 0; m < ahead; ++m) orders[rank].push_back(Slot::forward(rank, m));
    for (int m = ahead; m < micro_batches; ++m) {
      orders[rank].push_back(Slot::forward(rank, m));
      orders[rank].push_back(Slot::backward(rank, m - ahead));
    }
    for (int m = micro_batches - ahead; m < micro_batches; ++m) orders[rank].push_back(Slot::backward(rank, m));
  }
  return Schedule::create(Placement::linear(ranks).value(), micro_batches, orders).value();
}

struct Case {
  Job job;
  Schedule schedule;
  StepCosts costs;
};

Case case_of(std::vector<int64_t> f_ns, int micro_batches, const Variation& variation) {
  const int ranks = static_cast<int>(f_ns.size());
  Job job = tests::direct_job(ranks, micro_batches);
  job.costs->f_ns = std::move(f_ns);
  job.variation = variation;
  StepCosts costs = direct_step_costs(job, Placement::linear(ranks).value()).value();
  return {std::move(job), one_f_one_b_order(ranks, micro_batches), std::move(costs)};
}

int64_t step_ns(const Case& one) {
  return step_end(one.schedule, simulate(one.schedule, one.costs.schedule, {}).value(), one.costs).step_ns;
}

Robustness measured(const Case& one, const SampleOptions& options) {
  return measure_robustness(one.job, one.schedule, one.costs, options).value();
}

TEST(Robustness, WithoutVariationEveryStepIsThePlan) {
  const Case one = case_of({5000, 7000, 6000, 4000}, 9, {});
  const Robustness robustness = measured(one, {.samples = 20});
  EXPECT_EQ(robustness.planned_ns, step_ns(one));
  EXPECT_EQ(robustness.median_ns, robustness.planned_ns);
  EXPECT_EQ(robustness.p95_ns, robustness.planned_ns);
  EXPECT_EQ(robustness.loss_ns, 0);
}

TEST(Robustness, WhereEveryRankIsAStragglerTheStepIsThatOfSlowerPasses) {
  Case one = case_of({5000, 7000, 6000, 4000}, 9, {.straggler_probability = 1, .straggler_slowdown = 3});
  const Robustness robustness = measured(one, {.samples = 5});
  for (auto* times : {&one.job.costs->f_ns, &one.job.costs->i_ns, &one.job.costs->w_ns}) {
    for (int64_t& ns : *times) ns *= 3;
  }
  one.costs = direct_step_costs(one.job, one.schedule.placement()).value();
  EXPECT_EQ(robustness.p95_ns, step_ns(one));
}

TEST(Robustness, IsTheSameForAnyNumberOfWorkers) {
  const Case one = case_of({5000, 7000, 6000, 4000}, 9, {.jitter = 0.1});
  const Robustness by_one = measured(one, {.samples = 101, .workers = 1});
  const Robustness by_three = measured(one, {.samples = 101, .workers = 3});
  EXPECT_EQ(by_one.mean_ns, by_three.mean_ns);
  EXPECT_EQ(by_one.p95_ns, by_three.p95_ns);
  EXPECT_EQ(by_one.rank_loss_ns, by_three.rank_loss_ns);
  EXPECT_NE(by_one.mean_ns, measured(one, {.samples = 101, .seed = 2}).mean_ns);
}

TEST(Robustness, TheRankThatEverybodyWaitsForHurtsMost) {
  const Case one = case_of({1'000'000, 1'000'000, 9'000'000, 1'000'000}, 16,
                           {.straggler_probability = 0.2, .straggler_slowdown = 1.5});
  const Robustness robustness = measured(one, {.samples = 400});
  EXPECT_EQ(robustness.worst_rank(), 2);
  EXPECT_GT(robustness.rank_loss_ns[2] * 2, robustness.loss_ns);
  EXPECT_LE(robustness.median_ns, robustness.p95_ns);
}

// One pass of one component scatters as the job says, one of four equal components half as much.
TEST(Robustness, TheScatterOfASlotIsThatOfTheSumOfItsComponents) {
  const int steps = 20'000;
  Case one = case_of({1'000'000}, 1, {.jitter = 0.2});
  const auto deviation = [&] {
    const StepSampler sampler = StepSampler::create(one.job, one.schedule, one.costs).value();
    StepSampler::Buffers buffers;
    double sum = 0;
    double squares = 0;
    for (int step = 0; step < steps; ++step) {
      sampler.draw(1, static_cast<uint64_t>(step), buffers);
      const auto ns = static_cast<double>(buffers.drawn[0].duration_ns);
      sum += ns;
      squares += ns * ns;
    }
    return std::sqrt(squares / steps - sum / steps * (sum / steps)) / 1e6;
  };
  EXPECT_NEAR(deviation(), 0.2, 0.005);
  one.costs.programs[0] = StageProgram(4, {.forward_ns = 250'000});
  EXPECT_NEAR(deviation(), 0.1, 0.003);
}

TEST(Robustness, ExpertsMakeOnlyTheirOwnLayersLonger) {
  Case one = case_of({1'000'000}, 1, {.expert_imbalance = 0.5});
  one.job.layout.expert = 64;
  one.costs.programs[0] = {{.layer = 0, .component = Component::kAttention, .forward_ns = 600'000},
                           {.layer = 0, .component = Component::kExperts, .forward_ns = 400'000}};
  const StepSampler sampler = StepSampler::create(one.job, one.schedule, one.costs).value();
  StepSampler::Buffers buffers;
  sampler.draw(3, 5, buffers);
  const double factor = StepDraws(one.job.variation, 3, 5).expert_factor(0, 0, 64);
  EXPECT_GT(factor, 1.5);
  EXPECT_NEAR(static_cast<double>(buffers.drawn[0].duration_ns), 600'000 + 400'000 * factor, 1);
}

}  // namespace
}  // namespace pipeloom::sim
