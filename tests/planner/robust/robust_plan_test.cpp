#include "planner/robust/robust_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

Job job_of(const Variation& variation) {
  Job job = tests::direct_job(4, 16);
  job.p2p = {P2pMode::kAsync, 100'000, 0};
  job.variation = variation;
  return make_job(job).value();
}

TEST(RobustPlan, OrdersNamedSchedulesByWhatMostStepsDoNotExceed) {
  const Job job = job_of({.jitter = 0.3});
  const std::vector<RobustCandidate> candidates = robust_named(job, {.samples = 100, .by_rank = false});
  ASSERT_GT(candidates.size(), 5u);
  EXPECT_TRUE(std::ranges::is_sorted(candidates, {}, [](const auto& c) { return c.robustness.p95_ns; }));
  const auto planned = [](const auto& c) { return c.robustness.planned_ns; };
  EXPECT_FALSE(std::ranges::is_sorted(candidates, {}, planned));  // not the order of the plans
}

TEST(RobustPlan, TimesWhatItSearchedWithSlackByTheTrueCosts) {
  const Job job = job_of({.jitter = 0.2});
  const auto problems = problems_of(job, PlacementKind::kLinear, {4'000'000}, Objective::kMakespan).value();
  const int64_t slack = slack_ns(job, problems[0].problem);
  EXPECT_EQ(slack, 200'000);  // 0.2 of a mean pass
  SearchLimits limits;
  limits.moves = 500;
  const RobustCandidate candidate =
      robust_searched(job, problems[0], slack, limits, {.samples = 50, .by_rank = false}).value();
  EXPECT_EQ(candidate.robustness.planned_ns, candidate.evaluation.bubble.makespan_ns);
  EXPECT_GE(candidate.robustness.p95_ns, candidate.robustness.median_ns);
  for (const RankMemory& memory : candidate.evaluation.memory) EXPECT_LE(memory.activations, 4'000'000);
}

}  // namespace
}  // namespace pipeloom::planner
