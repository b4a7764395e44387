#include "planner/search/search.h"

#include <gtest/gtest.h>

#include <atomic>

#include "planner/search/bounds.h"
#include "planner/search/exact.h"
#include "planner/search/seeds.h"
#include "tests/planner/search/cases.h"

namespace pipeloom::tests {
namespace {

SearchLimits moves(int64_t count, uint64_t seed = 1) {
  SearchLimits limits;
  limits.moves = count;
  limits.seed = seed;
  return limits;
}

void expect_same_plan(const SearchResult& a, const SearchResult& b) {
  EXPECT_EQ(a.value_ns, b.value_ns);
  EXPECT_EQ(a.moves, b.moves);
  EXPECT_TRUE(std::ranges::equal(a.schedule.slots(), b.schedule.slots()));
}

SearchProblem hard_problem() {
  return uniform_problem({.kind = PlacementKind::kBidirectional,
                          .ranks = 8,
                          .micro_batches = 26,
                          .f = 6,
                          .i = 7,
                          .w = 4,
                          .link = 0.5,
                          .cap = 8});
}

TEST(Search, FindsTheSamePlanWithOneWorkerAndWithTwo) {
  const SearchProblem problem = hard_problem();
  SearchLimits one = moves(20'000, 5);
  one.workers = 1;
  const SearchResult result = search(problem, one).value();
  EXPECT_GE(result.moves, 20'000);
  expect_same_plan(result, search(problem, moves(20'000, 5)).value());
}

// A plan records the moves that were done; given as --moves they lead to the plan again, though time ended the search.
TEST(Search, IsRepeatedByItsMoves) {
  const SearchProblem problem = hard_problem();
  SearchLimits limits;
  limits.out_of_time = [rounds = 0]() mutable { return ++rounds > 9; };
  const SearchResult timed = search(problem, limits).value();
  expect_same_plan(timed, search(problem, moves(timed.moves)).value());
}

TEST(Search, StopsWhenItIsCancelledAndTellsHowFarItIs) {
  const SearchProblem problem = hard_problem();
  std::atomic<bool> cancel = false;
  SearchLimits limits = moves(int64_t{1} << 40);
  limits.cancel = &cancel;
  int calls = 0;
  limits.progress = [&](const SearchProgress& progress) {
    EXPECT_LE(progress.bound_ns, progress.value_ns);
    if (++calls == 3) cancel = true;
  };
  const SearchResult result = search(problem, limits).value();
  EXPECT_EQ(calls, 3);
  EXPECT_LE(result.bound_ns, result.value_ns);
}

TEST(Search, NeedsAnEnd) {
  EXPECT_EQ(search(hard_problem(), SearchLimits{}).error().message,
            "a search needs a number of moves or a time budget");
}

// An independent account of memory, over any placement, times per stage and caps per rank.
TEST(Search, NeverExceedsACapAndNeverBreaksItsOwnBound) {
  for (uint32_t seed = 200; seed < 260; ++seed) {
    const SearchProblem problem = random_problem(seed);
    const auto result = search(problem, moves(2'000, seed));
    ASSERT_TRUE(result.has_value()) << "problem " << seed << ": " << result.error().message;
    const std::vector<ActivationSize> sizes(problem.activations().begin(), problem.activations().end());
    const std::vector<int64_t> peaks = replayed_peaks(result->schedule, sizes);
    EXPECT_EQ(peaks, result->peaks) << "problem " << seed;
    for (int rank = 0; rank < problem.ranks(); ++rank) EXPECT_LE(peaks[rank], problem.cap(rank)) << "problem " << seed;
    EXPECT_LE(result->bound_ns, result->value_ns) << "problem " << seed;
  }
}

TEST(Search, IsNeverWorseThanANamedScheduleThatFits) {
  for (const PlacementKind kind : {PlacementKind::kLinear, PlacementKind::kLooped, PlacementKind::kV,
                                   PlacementKind::kWave, PlacementKind::kBidirectional}) {
    const SearchProblem problem =
        uniform_problem({.kind = kind, .ranks = 4, .micro_batches = 8, .f = 3, .i = 4, .w = 2, .link = 0.5, .cap = 9});
    const SearchResult result = search(problem, moves(1)).value();
    for (const NamedOrder& named : named_orders(problem)) {
      if (!named.fits) continue;
      const Timeline timeline = simulate(named.schedule, problem.costs(), {P2pMode::kAsync, 0}).value();
      EXPECT_LE(result.makespan_ns, timeline.makespan_ns) << named.name;
    }
  }
}

TEST(Search, UsesPairsWhereTheyPay) {
  const SearchProblem problem = uniform_problem(
      {.kind = PlacementKind::kBidirectional, .ranks = 4, .micro_batches = 12, .link = 0.1, .pair = 2.2});
  const SearchResult result = search(problem, moves(20'000)).value();
  EXPECT_TRUE(result.schedule.has_pairs());
  EXPECT_LT(result.makespan_ns, 12 * 3 * kNsPerUnit);  // less than the work of a rank whose passes run alone
}

constexpr int64_t kSampleMoves = 100'000;

void expect_optimum(const SearchCase& row) {
  const SearchResult result = search(row.problem, moves(kSampleMoves)).value();
  EXPECT_EQ(result.value_ns, row.best_ns) << row.name;
  EXPECT_LE(result.bound_ns, row.best_ns) << row.name;
}

TEST(Search, FindsProvenOptima) {
  const auto cases = optimal_cases();
  for (size_t i = 0; i < cases.size(); i += 11) expect_optimum(cases[i]);
}

TEST(Search, DISABLED_FindsEveryProvenOptimum) {
  for (const SearchCase& row : optimal_cases()) expect_optimum(row);
}

// Asks the solver alone, from an order that is not the best one, and from the bound that ignores precedences.
void expect_proof(const SearchCase& row) {
  const int64_t known_ns = search(row.problem, moves(1)).value().value_ns;
  ASSERT_TRUE(exact_can_try(row.problem, known_ns));
  const ExactResult result = solve_exactly(row.problem, 0, known_ns, {});
  EXPECT_TRUE(result.proven) << row.name;
  EXPECT_EQ(result.value_ns, row.best_ns) << row.name;
}

TEST(Exact, FindsAndProvesOptima) {
  const auto cases = optimal_cases();
  for (size_t i = 3; i < cases.size(); i += 25) expect_proof(cases[i]);
}

TEST(Exact, DISABLED_FindsAndProvesEveryOptimum) {
  for (const SearchCase& row : optimal_cases()) expect_proof(row);
}

TEST(Exact, GivesUpAfterItsConflicts) {
  const SearchCase row = optimal_cases().back();
  const ExactResult result = solve_exactly(row.problem, 0, row.best_ns, {.conflicts = 1});
  EXPECT_FALSE(result.proven);
  EXPECT_EQ(result.value_ns, row.best_ns);
}

TEST(Exact, DoesNotTryWhatIsTooLarge) {
  EXPECT_FALSE(exact_can_try(large_cases(8).front().problem, int64_t{100} * kNsPerUnit));
}

}  // namespace
}  // namespace pipeloom::tests
