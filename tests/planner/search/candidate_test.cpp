#include "planner/search/candidate.h"

#include <gtest/gtest.h>

#include "planner/search/anneal.h"
#include "planner/search/list_scheduler.h"
#include "planner/search/policies.h"
#include "sim/engine/simulate.h"
#include "sim/report/bubble.h"
#include "tests/planner/search/cases.h"

namespace pipeloom::tests {
namespace {

// Returns some order of a problem; nullopt if the policy finds none.
std::optional<planner::Order> some_order(const planner::SearchProblem& problem, uint64_t seed) {
  planner::ListScheduler lists(problem);
  planner::Random random(seed);
  for (int i = 0; i < 20; ++i) {
    if (lists.run(planner::random_policy(problem, random))) return lists.order();
  }
  return std::nullopt;
}

int64_t simulated_ns(const planner::SearchProblem& problem, const planner::Order& order) {
  const Schedule schedule = planner::schedule_of(problem, order).value();
  const Timeline timeline = sim::simulate(schedule, problem.costs(), {P2pMode::kAsync, 0}).value();
  const sim::Bubble bubble = sim::measure_bubble(schedule, timeline);
  return problem.objective() == planner::Objective::kMakespan ? bubble.makespan_ns : bubble.span_ns;
}

TEST(Candidate, SaysWhatTheSimulatorSays) {
  int orders = 0;
  for (uint32_t seed = 0; seed < 100; ++seed) {
    const planner::SearchProblem problem = random_problem(seed);
    const auto order = some_order(problem, seed);
    if (!order) continue;
    ++orders;
    planner::Candidate candidate(problem);
    ASSERT_TRUE(candidate.reset(*order));
    EXPECT_EQ(candidate.value_ns(), simulated_ns(problem, *order)) << "problem " << seed;
  }
  EXPECT_GT(orders, 80);
}

// The estimate is the longest path through the swapped slots, so an evaluation finds either the estimate or at most the
// value before. A partial evaluation finds the same as a whole one.
TEST(Candidate, EstimatesASwapExactlyAndEvaluatesItInPart) {
  int swaps = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const planner::SearchProblem problem = random_problem(seed);
    const auto order = some_order(problem, seed);
    if (!order) continue;
    planner::Candidate candidate(problem);
    ASSERT_TRUE(candidate.reset(*order));
    planner::Random random(seed);
    for (int i = 0; i < 200; ++i) {
      const int slot = candidate.slot_at(static_cast<int>(random.below(static_cast<uint32_t>(candidate.slots()))));
      if (!candidate.can_swap(slot)) continue;
      const int64_t estimate_ns = candidate.swapped_ns(slot);
      const int64_t before_ns = candidate.value_ns();
      const int later = candidate.order().next(slot);
      if (!candidate.swap(slot)) {
        EXPECT_EQ(candidate.value_ns(), before_ns);
        continue;
      }
      ++swaps;
      if (problem.objective() == planner::Objective::kMakespan) {
        const auto through = [&](int x) { return candidate.start_ns(x) + candidate.tail_ns(x); };
        EXPECT_EQ(std::max(through(slot), through(later)), estimate_ns);
        EXPECT_LE(candidate.value_ns(), std::max(estimate_ns, before_ns));
      }
      planner::Candidate whole(problem);
      ASSERT_TRUE(whole.reset(candidate.order()));
      EXPECT_EQ(candidate.value_ns(), whole.value_ns());
      for (int place = 0; place < whole.slots(); ++place) {
        const int other = whole.slot_at(place);
        ASSERT_EQ(candidate.end_ns(other), whole.end_ns(other));
        ASSERT_EQ(candidate.tail_ns(other), whole.tail_ns(other));
      }
      EXPECT_TRUE(planner::fits_caps(problem, candidate.order()));
    }
  }
  EXPECT_GT(swaps, 1000);
}

TEST(Candidate, JoinsAndPartsPairs) {
  const planner::SearchProblem problem = uniform_problem({.ranks = 2, .micro_batches = 6, .pair = 2.5});
  planner::ListScheduler lists(problem);
  ASSERT_TRUE(lists.run(planner::ListPolicy{}).has_value());
  planner::Candidate candidate(problem);
  ASSERT_TRUE(candidate.reset(lists.order()));
  const int64_t before_ns = candidate.value_ns();
  int joined = -1;
  for (int op = 0; op < problem.ops() && joined < 0; ++op) {
    const int next = candidate.order().next(op);
    if (next < problem.ops() && candidate.join(op, next)) joined = op;
  }
  ASSERT_GE(joined, 0);
  EXPECT_TRUE(planner::schedule_of(problem, candidate.order()).value().has_pairs());
  EXPECT_EQ(candidate.value_ns(), simulated_ns(problem, candidate.order()));
  candidate.undo();
  EXPECT_EQ(candidate.value_ns(), before_ns);
  ASSERT_TRUE(candidate.join(joined, candidate.order().next(joined)));
  ASSERT_TRUE(candidate.part(joined));
  EXPECT_FALSE(planner::schedule_of(problem, candidate.order()).value().has_pairs());
}

TEST(Candidate, RefusesAnOrderThatDeadlocks) {
  const planner::SearchProblem problem = uniform_problem({.ranks = 2, .micro_batches = 1});
  planner::Order order(problem);
  // Rank 1 waits for rank 0, whose I comes before its F.
  for (int rank = 0; rank < 2; ++rank) {
    for (const int line : problem.lines_of_rank(rank)) {
      if (rank == 0 && problem.lines()[line].pass == planner::Pass::kI) {
        order.insert_before(problem.lines()[line].first_op, order.next(problem.begin_of(0)));
      } else {
        order.append(problem.lines()[line].first_op, rank);
      }
    }
  }
  planner::Candidate candidate(problem);
  EXPECT_FALSE(candidate.reset(order));
}

TEST(Annealer, GoesOnWhereItStoppedAndNeverLosesItsBest) {
  const planner::SearchProblem problem =
      uniform_problem({.kind = PlacementKind::kV, .ranks = 4, .micro_batches = 8, .link = 0.1, .cap = 8});
  const auto order = some_order(problem, 1);
  ASSERT_TRUE(order.has_value());
  planner::Annealer whole(problem, 7);
  planner::Annealer parts(problem, 7);
  ASSERT_TRUE(whole.start(*order, kNsPerUnit / 10, 20'000));
  ASSERT_TRUE(parts.start(*order, kNsPerUnit / 10, 20'000));
  const int64_t start_ns = whole.best_ns();
  whole.run(INT64_MAX / 4, 0, nullptr);
  while (!parts.finished()) parts.run(10'000, 0, nullptr);
  EXPECT_TRUE(whole.finished());
  EXPECT_EQ(whole.best_ns(), parts.best_ns());
  EXPECT_LT(whole.best_ns(), start_ns);
  EXPECT_EQ(simulated_ns(problem, whole.best()), whole.best_ns());
}

}  // namespace
}  // namespace pipeloom::tests
