#include "planner/search/repetend.h"

#include <gtest/gtest.h>

#include "planner/search/candidate.h"
#include "planner/search/list_scheduler.h"
#include "planner/search/policies.h"
#include "tests/planner/search/cases.h"

namespace pipeloom::tests {
namespace {

UniformJob job(PlacementKind kind, int micro_batches) {
  return {.kind = kind,
          .ranks = 4,
          .micro_batches = micro_batches,
          .f = 6,
          .i = 7,
          .w = 5,
          .link = 0.25,
          .cap = 6,
          .pair = 0};
}

int64_t value_ns(const planner::SearchProblem& problem, const planner::Order& order) {
  planner::Candidate candidate(problem);
  EXPECT_TRUE(candidate.reset(order));
  return candidate.value_ns();
}

// 1F1B is in its steady state after the warm-up: each further micro-batch takes as long as its work.
TEST(Repetend, AddsOnlyTheWorkInASteadyState) {
  const planner::SearchProblem shorter = uniform_problem(job(PlacementKind::kLinear, 16));
  const planner::SearchProblem longer = uniform_problem(job(PlacementKind::kLinear, 61));
  planner::ListScheduler lists(shorter);
  planner::ListPolicy policy;
  policy.rules[0].pending_limit = 0;
  policy.rules[0].in_flight_extra.fill(3);
  ASSERT_TRUE(lists.run(policy));
  const auto order = planner::repeated(shorter, lists.order(), longer);
  ASSERT_TRUE(order.has_value());
  const int64_t added_ns = (61 - 16) * int64_t{6 + 7 + 5} * kNsPerUnit;
  EXPECT_EQ(value_ns(longer, *order), value_ns(shorter, lists.order()) + added_ns);
}

// Any policy, with pairs of both kinds and whole backwards, gives a schedule within the same memory.
TEST(Repetend, KeepsEveryRuleWhateverTheOrder) {
  int repeats = 0;
  for (const PlacementKind kind : {PlacementKind::kLinear, PlacementKind::kV, PlacementKind::kBidirectional}) {
    for (const SlotKind pair_kind : {SlotKind::kFB, SlotKind::kFI}) {
      UniformJob uniform = job(kind, 24);
      uniform.pair = pair_kind == SlotKind::kFB ? 15 : 11;
      uniform.pair_kind = pair_kind;
      const planner::SearchProblem shorter = uniform_problem(uniform);
      uniform.micro_batches = 60;
      const planner::SearchProblem longer = uniform_problem(uniform);
      planner::ListScheduler lists(shorter);
      planner::Random random(static_cast<uint64_t>(kind) + 3);
      for (int i = 0; i < 20; ++i) {
        if (!lists.run(planner::random_policy(shorter, random))) continue;
        const auto order = planner::repeated(shorter, lists.order(), longer);
        if (!order) continue;
        ++repeats;
        EXPECT_TRUE(planner::fits_caps(longer, *order));
        const auto schedule = planner::schedule_of(longer, *order);
        EXPECT_TRUE(schedule.has_value()) << schedule.error().message;
        EXPECT_GT(value_ns(longer, *order), value_ns(shorter, lists.order()));
      }
    }
  }
  EXPECT_GT(repeats, 30);
}

TEST(Repetend, NeedsAWindow) {
  // GPipe runs all F's before the first I: no window holds equally many of both.
  const planner::SearchProblem shorter = uniform_problem({.ranks = 2, .micro_batches = 6});
  const planner::SearchProblem longer = uniform_problem({.ranks = 2, .micro_batches = 12});
  planner::ListScheduler lists(shorter);
  planner::ListPolicy all_forwards;
  all_forwards.rules[0].turn = planner::RankRules::Turn::kForwardFirst;
  all_forwards.rules[0].in_flight_percent.fill(10'000);
  ASSERT_TRUE(lists.run(all_forwards));
  EXPECT_FALSE(planner::repeated(shorter, lists.order(), longer).has_value());
}

}  // namespace
}  // namespace pipeloom::tests
