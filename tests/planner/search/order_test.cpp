#include "planner/search/order.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "planner/schedules/schedules.h"
#include "planner/search/candidate.h"
#include "planner/search/repair.h"
#include "planner/search/seeds.h"
#include "sim/report/memory.h"
#include "tests/planner/search/cases.h"
#include "tests/support/orders.h"

namespace pipeloom::tests {
namespace {

TEST(Order, ConvertsNamedSchedulesAndBack) {
  const planner::SearchProblem problem = uniform_problem({.ranks = 4, .micro_batches = 8});
  for (const planner::NamedOrder& named : planner::named_orders(problem)) {
    if (named.name != "zb1p") continue;
    const planner::Order order = planner::order_of(problem, named.schedule).value();
    const Schedule again = planner::schedule_of(problem, order).value();
    EXPECT_TRUE(std::ranges::equal(again.slots(), named.schedule.slots()));
    EXPECT_EQ(planner::peaks_of(problem, order), sim::peak_activations(again, problem.activations()));
    return;
  }
  FAIL() << "zb1p is not among the seeds";
}

TEST(Order, KeepsPairsAndTheWInside) {
  const planner::SearchProblem problem =
      uniform_problem({.kind = PlacementKind::kBidirectional, .ranks = 4, .micro_batches = 12, .pair = 2.5});
  const Schedule schedule = planner::dualpipe({4, 12}).value();
  const planner::Order order = planner::order_of(problem, schedule).value();
  const Schedule again = planner::schedule_of(problem, order).value();
  EXPECT_TRUE(again.has_pairs());
  EXPECT_EQ(again.slots().size(),
            schedule.passes() - std::ranges::count_if(schedule.slots(), [](const Slot& slot) {
              return slot.kind == SlotKind::kFB;
            }) + std::ranges::count_if(schedule.slots(), [](const Slot& slot) { return slot.kind == SlotKind::kB; }));
  EXPECT_EQ(planner::peaks_of(problem, order), sim::peak_activations(again, problem.activations()));
}

TEST(Order, KeepsPairsWhoseWRunsApart) {
  const planner::SearchProblem problem =
      uniform_problem({.ranks = 2, .micro_batches = 2, .pair = 1.5, .pair_kind = SlotKind::kFI});
  const Schedule schedule = Schedule::create(problem.placement(), 2,
                                             parse_orders("0: F0 F1 I0 I1 W0 W1\n"
                                                          "1: F0 F1&I0 I1 W0 W1\n"))
                                .value();
  planner::Order order = planner::order_of(problem, schedule).value();
  EXPECT_EQ(print_orders(planner::schedule_of(problem, order).value()), print_orders(schedule));
  EXPECT_EQ(planner::peaks_of(problem, order), (std::vector<int64_t>{2'000'000, 2'000'000}));
  order.part(problem, problem.line(0, 1, planner::Pass::kF).first_op + 1);
  EXPECT_EQ(print_order(1, planner::schedule_of(problem, order)->slots_of(1)), "1: F0 F1 I0 I1 W0 W1\n");
}

TEST(Order, RefusesAnotherPlacementAndAnotherSplitOfTheMicroBatches) {
  const planner::SearchProblem problem = uniform_problem({.ranks = 4, .micro_batches = 8});
  EXPECT_EQ(planner::order_of(problem, planner::one_f_one_b({8, 8}).value()).error().message,
            "a schedule of another placement can't start the search");
  EXPECT_EQ(planner::order_of(problem, planner::one_f_one_b({4, 9}).value()).error().message,
            "pipe 0 has 9 micro-batches in the schedule and 8 in the search");
}

// DualPipe holds P + 1 activations. With P it is still valid and hardly longer.
TEST(Repair, BringsDualPipeWithinItsRanks) {
  const planner::SearchProblem problem =
      uniform_problem({.kind = PlacementKind::kBidirectional, .ranks = 8, .micro_batches = 32, .cap = 8});
  const planner::Order order = planner::order_of(problem, planner::dualpipe({8, 32}).value()).value();
  EXPECT_FALSE(planner::fits_caps(problem, order));
  const planner::Order repaired = planner::repaired_to_caps(problem, order);
  EXPECT_TRUE(planner::fits_caps(problem, repaired));
  planner::Candidate before(problem);
  planner::Candidate after(problem);
  ASSERT_TRUE(before.reset(order));
  ASSERT_TRUE(after.reset(repaired));
  EXPECT_LE(after.value_ns(), before.value_ns() + 3 * kNsPerUnit);
}

}  // namespace
}  // namespace pipeloom::tests
