#include "planner/search/bounds.h"

#include <gtest/gtest.h>

#include "planner/evaluate/evaluate.h"
#include "planner/search/job_problem.h"
#include "planner/search/list_scheduler.h"
#include "planner/search/policies.h"
#include "tests/planner/search/cases.h"
#include "tests/support/models.h"

namespace pipeloom::tests {
namespace {

// Most rows are tight: the prototype's bounds met the optimum in 398 of 489 cases.
TEST(LowerBound, IsNeverAboveAProvenOptimumAndMostlyEqualToIt) {
  int equal = 0;
  const auto cases = optimal_cases();
  ASSERT_EQ(cases.size(), 189u);
  for (const SearchCase& row : cases) {
    const int64_t bound_ns = planner::lower_bound_ns(row.problem);
    EXPECT_LE(bound_ns, row.best_ns) << row.name;
    EXPECT_LE(planner::rank_bound_ns(row.problem), bound_ns) << row.name;
    equal += bound_ns == row.best_ns ? 1 : 0;
  }
  EXPECT_GE(equal, 155);
}

// The file's columns are rounded to a tenth of a unit.
TEST(LowerBound, IsAsHighAsTheBestKnownOneOfLargeProblems) {
  for (const SearchCase& row : large_cases(16)) {
    const int64_t bound_ns = planner::lower_bound_ns(row.problem);
    EXPECT_GE(bound_ns, row.bound_ns - kNsPerUnit / 20) << row.name;
    EXPECT_LE(bound_ns, row.best_ns + kNsPerUnit / 20) << row.name;
  }
}

TEST(LowerBound, DISABLED_IsAsHighAsTheBestKnownOneOfEveryLargeProblem) {
  for (const SearchCase& row : large_cases(64)) {
    EXPECT_GE(planner::lower_bound_ns(row.problem), row.bound_ns - kNsPerUnit / 20) << row.name;
  }
}

// Covers any placement, times per stage, caps per rank, fractional weight shares, both objectives, and pairs.
TEST(LowerBound, IsBelowWhateverAnyPolicyReaches) {
  int schedules = 0;
  for (uint32_t seed = 0; seed < 150; ++seed) {
    const planner::SearchProblem problem = random_problem(seed);
    const int64_t bound_ns = planner::lower_bound_ns(problem);
    planner::ListScheduler lists(problem);
    planner::Random random(seed);
    for (int i = 0; i < 20; ++i) {
      const auto value_ns = lists.run(planner::random_policy(problem, random));
      if (!value_ns) continue;
      ++schedules;
      EXPECT_LE(bound_ns, *value_ns) << "problem " << seed;
    }
  }
  EXPECT_GT(schedules, 2000);
}

// On 1F1B's first rank there are P - 1 chains, then all the work. If activations are held until W and a rank holds P of
// them, ZB-H1 is best (Zero Bubble Pipeline Parallelism, ICLR 2024, table 2): (P-1)(F+I-W) beside the work.
TEST(LowerBound, With1F1BsMemoryIsZbH1) {
  for (const int ranks : {2, 4, 8}) {
    const planner::SearchProblem problem =
        uniform_problem({.ranks = ranks, .micro_batches = 3 * ranks, .cap = static_cast<double>(ranks)});
    EXPECT_EQ(planner::lower_bound_ns(problem), (3 * 3 * ranks + ranks - 1) * kNsPerUnit) << ranks;
  }
}

TEST(LowerBound, IsTheWorkForASpanWithEnoughMemory) {
  const planner::SearchProblem problem =
      uniform_problem({.ranks = 4, .micro_batches = 12, .cap = 8, .objective = planner::Objective::kSpan});
  EXPECT_EQ(planner::lower_bound_ns(problem), 36 * kNsPerUnit);
}

// Each pair saves at most F + B - FB, and the first F can't be in a pair.
TEST(LowerBound, CountsWhatPairsCanSave) {
  const planner::SearchProblem problem = uniform_problem({.ranks = 1, .micro_batches = 5, .w = 0, .pair = 1.5});
  EXPECT_EQ(planner::lower_bound_ns(problem), (5 * 2) * kNsPerUnit - 4 * kNsPerUnit / 2);
}

// Two chunks: each F saves 1 with the other chunk's B and 3 with its own. So 4 F's and B's of each kind save at most
// 16, not 4 x 3 + 4 x 3. The prices are those of the transport problem.
TEST(LowerBound, PricesPairsByWhoIsLeftToPairWith) {
  ScheduleCosts::Input input;
  input.stages = std::vector(2, StageCost::plain(4 * kNsPerUnit, 4 * kNsPerUnit, 0));
  const auto pair = [](int saved) { return PairCost::plain((8 - saved) * kNsPerUnit); };
  input.pairs = {pair(3), pair(1), pair(1), pair(1)};
  const planner::SearchProblem problem =
      planner::SearchProblem::create({Placement::looped(1, 2).value(),
                                      std::vector<uint16_t>(4, 0),
                                      ScheduleCosts::create(2, 1, std::move(input)).value(),
                                      std::vector(2, ActivationSize{1, 1}),
                                      {},
                                      planner::Objective::kMakespan})
          .value();
  const int64_t saved_ns = 4 * 3 * kNsPerUnit + 4 * kNsPerUnit;
  EXPECT_GE(planner::rank_bound_ns(problem), 4 * 16 * kNsPerUnit - saved_ns);
}

// The bound counts how late I's arrive and what it costs to run F's alone until then. Without either it is 88 % of
// DualPipe's makespan.
TEST(LowerBound, IsNearDualPipeForDeepSeekV3) {
  const Job job = tests::deepseek_v3_job();
  const planner::Evaluation dualpipe = planner::evaluate(job, *planner::find_schedule("dualpipe").value()).value();
  Job placed = job;
  placed.layout.layers_per_stage = dualpipe.costs.layers_per_stage;
  const auto problems =
      planner::problems_of(placed, PlacementKind::kBidirectional, {}, planner::Objective::kMakespan).value();
  EXPECT_GE(planner::rank_bound_ns(problems[0].problem) * 100, dualpipe.bubble.makespan_ns * 91);
}

}  // namespace
}  // namespace pipeloom::tests
