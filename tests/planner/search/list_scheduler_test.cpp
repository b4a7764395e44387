#include "planner/search/list_scheduler.h"

#include <gtest/gtest.h>

#include "planner/search/candidate.h"
#include "planner/search/policies.h"
#include "tests/planner/search/cases.h"

namespace pipeloom::tests {
namespace {

TEST(ListScheduler, KeepsEveryRuleWhateverThePolicy) {
  int runs = 0;
  for (uint32_t seed = 0; seed < 100; ++seed) {
    const planner::SearchProblem problem = random_problem(seed);
    planner::ListScheduler lists(problem);
    planner::Random random(seed);
    planner::ListPolicy policy = planner::random_policy(problem, random);
    for (int i = 0; i < 10; ++i, policy = planner::changed_policy(problem, policy, random)) {
      const auto value_ns = lists.run(policy);
      if (!value_ns) {
        // Only messages of two chunks that share a queue can block each other.
        const PlacementKind kind = problem.placement().kind();
        EXPECT_TRUE(kind == PlacementKind::kLooped || kind == PlacementKind::kWave) << "problem " << seed;
        continue;
      }
      ++runs;
      const auto schedule = planner::schedule_of(problem, lists.order());
      ASSERT_TRUE(schedule.has_value()) << "problem " << seed << ": " << schedule.error().message;
      const std::vector<ActivationSize> sizes(problem.activations().begin(), problem.activations().end());
      const std::vector<int64_t> peaks = replayed_peaks(*schedule, sizes);
      for (int rank = 0; rank < problem.ranks(); ++rank)
        EXPECT_LE(peaks[rank], problem.cap(rank)) << "problem " << seed;
      // Slots may start earlier than the policy started them, never later.
      planner::Candidate candidate(problem);
      ASSERT_TRUE(candidate.reset(lists.order()));
      if (problem.objective() == planner::Objective::kMakespan) {
        EXPECT_LE(candidate.value_ns(), *value_ns) << "problem " << seed;
      }
    }
  }
  EXPECT_GT(runs, 700);
}

TEST(ListScheduler, WithBackwardFirstIs1F1BWhereWIsDoneAtOnce) {
  // The default keeps one micro-batch in flight for each round trip, plus one.
  const planner::SearchProblem problem = uniform_problem({.ranks = 4, .micro_batches = 8, .w = 0, .cap = 4});
  planner::ListScheduler lists(problem);
  planner::ListPolicy policy;
  EXPECT_EQ(lists.run(policy), (8 * 2 + 3 * 2) * kNsPerUnit);
}

// A V's first micro-batch meets other F's on its way back up the ranks. If they wait for it, it runs through.
TEST(ListScheduler, LetsTheFirstForwardsThroughWhereItHoldsForThem) {
  const planner::SearchProblem problem =
      uniform_problem({.kind = PlacementKind::kV, .ranks = 8, .micro_batches = 24, .link = 0.25, .cap = 24});
  planner::ListScheduler lists(problem);
  planner::ListPolicy policy;
  policy.rules[0].in_flight_percent.fill(400);
  const auto first_at_last_stage_ns = [&] {
    EXPECT_TRUE(lists.run(policy).has_value());
    planner::Candidate candidate(problem);
    EXPECT_TRUE(candidate.reset(lists.order()));
    return candidate.start_ns(problem.line(0, 15, planner::Pass::kF).first_op);
  };
  const int64_t through_ns = 15 * kNsPerUnit + 14 * kNsPerUnit / 4;  // the turn is on one rank
  EXPECT_GT(first_at_last_stage_ns(), through_ns);
  policy.rules[0].hold_forward_percent = 0;
  policy.rules[0].hold_forwards = 1;
  EXPECT_EQ(first_at_last_stage_ns(), through_ns);
}

// Rank 1 of a V holds stages 1 and 2. As many forwards of stage 1 as the lead says run before the first one of stage 2.
TEST(ListScheduler, HasAChunkLeadByAsManyMicroBatchesAsThePolicySays) {
  const planner::SearchProblem problem =
      uniform_problem({.kind = PlacementKind::kV, .ranks = 2, .micro_batches = 12, .cap = 24});
  planner::ListScheduler lists(problem);
  const auto forwards_before_stage_2 = [&](int lead) {
    planner::ListPolicy policy;
    policy.rules[0].in_flight_percent.fill(600);
    policy.rules[0].forward_lead = lead;
    EXPECT_TRUE(lists.run(policy).has_value());
    const planner::Order order = lists.order();
    int before = 0;
    for (int slot = order.next(problem.begin_of(1)); problem.line_of(slot).stage != 2; slot = order.next(slot))
      ++before;
    return before;
  };
  EXPECT_EQ(forwards_before_stage_2(planner::RankRules::kAlways), 1);
  EXPECT_EQ(forwards_before_stage_2(0), 1);
  EXPECT_EQ(forwards_before_stage_2(-4), 4);
  EXPECT_EQ(forwards_before_stage_2(-6), 6);
}

}  // namespace
}  // namespace pipeloom::tests
