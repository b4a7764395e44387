#include "planner/search/contest.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "planner/search/bounds.h"
#include "tests/planner/search/cases.h"

namespace pipeloom::tests {
namespace {

planner::SearchLimits moves(int64_t count) {
  planner::SearchLimits limits;
  limits.moves = count;
  return limits;
}

// Problems with the same work per rank, divided into passes less and less evenly. None meets its bound at once.
std::vector<planner::SearchProblem> problems() {
  std::vector<planner::SearchProblem> all;
  for (const int64_t w : {9, 4, 5, 7, 6, 8, 3, 12, 10, 11}) {
    all.push_back(uniform_problem({.kind = PlacementKind::kBidirectional,
                                   .ranks = 8,
                                   .micro_batches = 26,
                                   .f = 6,
                                   .i = 7,
                                   .w = w,
                                   .link = 0.5,
                                   .cap = 8}));
  }
  return all;
}

std::vector<const planner::SearchProblem*> pointers(const std::vector<planner::SearchProblem>& problems) {
  std::vector<const planner::SearchProblem*> all;
  for (const planner::SearchProblem& problem : problems) all.push_back(&problem);
  return all;
}

TEST(Contest, FindsTheProblemWithTheShortestOrder) {
  const auto all = problems();
  const planner::ContestResult contest = planner::search_any(pointers(all), moves(150'000)).value();
  EXPECT_EQ(contest.winner, 6);  // the problem in which W takes 3
  EXPECT_GE(contest.found.moves, 150'000);
  EXPECT_EQ(contest.least_bound_ns, planner::lower_bound_ns(all[6]));
  EXPECT_GE(contest.found.value_ns, contest.least_bound_ns);
  for (const planner::SearchProblem& problem : all) EXPECT_LE(contest.least_bound_ns, planner::lower_bound_ns(problem));
}

TEST(Contest, IsTheSameForAnyNumberOfWorkersAndIsRepeatedByItsMoves) {
  const auto all = problems();
  planner::SearchLimits limits;
  limits.time_spent = [rounds = 0]() mutable { return ++rounds > 60 ? 1.0 : 0.0; };
  const planner::ContestResult timed = planner::search_any(pointers(all), limits).value();
  planner::SearchLimits one = moves(timed.found.moves);
  one.workers = 1;
  const planner::ContestResult again = planner::search_any(pointers(all), one).value();
  EXPECT_EQ(again.winner, timed.winner);
  EXPECT_EQ(again.found.moves, timed.found.moves);
  EXPECT_TRUE(std::ranges::equal(again.found.schedule.slots(), timed.found.schedule.slots()));
}

// Problems that can't win any more are not searched.
TEST(Contest, StopsIfNothingCanBeShorter) {
  std::vector<planner::SearchProblem> all;
  for (const int64_t f : {4, 1}) all.push_back(uniform_problem({.ranks = 2, .micro_batches = 4, .f = f, .w = 0}));
  const planner::ContestResult contest = planner::search_any(pointers(all), moves(int64_t{1} << 40)).value();
  EXPECT_EQ(contest.winner, 1);
  EXPECT_TRUE(contest.found.proven);
}

TEST(Contest, WithOneProblemEqualsItsSearch) {
  const auto all = problems();
  const planner::ContestResult contest = planner::search_any({&all[0]}, moves(5'000)).value();
  const planner::SearchResult alone = planner::search(all[0], moves(5'000)).value();
  EXPECT_EQ(contest.found.value_ns, alone.value_ns);
  EXPECT_TRUE(std::ranges::equal(contest.found.schedule.slots(), alone.schedule.slots()));
}

TEST(Contest, NeedsAnEnd) {
  const auto all = problems();
  EXPECT_FALSE(planner::search_any(pointers(all), planner::SearchLimits{}).has_value());
}

// The first problem is the shortest; the halving decides which others go on.
TEST(Contest, LeavesTheShorterHalf) {
  std::vector<planner::SearchProblem> all;
  for (const int64_t w : {40, 42, 44}) {
    all.push_back(uniform_problem({.kind = PlacementKind::kBidirectional,
                                   .ranks = 8,
                                   .micro_batches = 26,
                                   .f = 60,
                                   .i = 70,
                                   .w = w,
                                   .link = 5,
                                   .cap = 7}));
  }
  planner::SearchLimits limits;
  limits.time_spent = [calls = 0]() mutable { return ++calls > 150 ? 1.0 : 0.0; };
  EXPECT_EQ(planner::search_any(pointers(all), limits).value().winner, 0);
}

// These problems have less work but little memory: named schedules don't fit, and repaired ones are long.
TEST(Contest, IsNeverWorseThanTheNamedSchedulesOfAnyProblem) {
  std::vector<planner::SearchProblem> all;
  for (int less = 1; less <= 9; ++less) {
    all.push_back(uniform_problem({.kind = PlacementKind::kBidirectional,
                                   .ranks = 8,
                                   .micro_batches = 20,
                                   .f = 100,
                                   .i = 100,
                                   .w = 20 - less,
                                   .cap = 4}));
  }
  all.push_back(uniform_problem({.kind = PlacementKind::kBidirectional,
                                 .ranks = 8,
                                 .micro_batches = 20,
                                 .f = 100,
                                 .i = 100,
                                 .w = 100,
                                 .cap = 9}));
  const int64_t ample_ns = planner::search(all.back(), moves(1)).value().value_ns;
  const planner::ContestResult contest = planner::search_any(pointers(all), moves(1)).value();
  EXPECT_EQ(contest.winner, 9);
  EXPECT_LE(contest.found.value_ns, ample_ns);
}

}  // namespace
}  // namespace pipeloom::tests
