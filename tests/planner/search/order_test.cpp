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

TEST(Order, OfANamedScheduleIsTheSameSchedule) {
  const SearchProblem problem = uniform_problem({.ranks = 4, .micro_batches = 8});
  for (const NamedOrder& named : named_orders(problem)) {
    if (named.name != "zb1p") continue;
    const Order order = order_of(problem, named.schedule).value();
    const Schedule again = schedule_of(problem, order).value();
    EXPECT_TRUE(std::ranges::equal(again.slots(), named.schedule.slots()));
    EXPECT_EQ(peaks_of(problem, order), peak_activations(again, problem.activations()));
    return;
  }
  FAIL() << "zb1p is not among the seeds";
}

TEST(Order, KeepsPairsAndTheWInside) {
  const SearchProblem problem =
      uniform_problem({.kind = PlacementKind::kBidirectional, .ranks = 4, .micro_batches = 12, .pair = 2.5});
  const Schedule schedule = dualpipe({4, 12}).value();
  const Order order = order_of(problem, schedule).value();
  const Schedule again = schedule_of(problem, order).value();
  EXPECT_TRUE(again.has_pairs());
  EXPECT_EQ(again.slots().size(),
            schedule.passes() - std::ranges::count_if(schedule.slots(), [](const Slot& slot) {
              return slot.kind == SlotKind::kFB;
            }) + std::ranges::count_if(schedule.slots(), [](const Slot& slot) { return slot.kind == SlotKind::kB; }));
  EXPECT_EQ(peaks_of(problem, order), peak_activations(again, problem.activations()));
}

TEST(Order, KeepsPairsWhoseWRunsApart) {
  const SearchProblem problem =
      uniform_problem({.ranks = 2, .micro_batches = 2, .pair = 1.5, .pair_kind = SlotKind::kFI});
  const Schedule schedule = Schedule::create(problem.placement(), 2,
                                             parse_orders("0: F0 F1 I0 I1 W0 W1\n"
                                                          "1: F0 F1&I0 I1 W0 W1\n"))
                                .value();
  Order order = order_of(problem, schedule).value();
  EXPECT_EQ(print_orders(schedule_of(problem, order).value()), print_orders(schedule));
  EXPECT_EQ(peaks_of(problem, order), (std::vector<int64_t>{2'000'000, 2'000'000}));
  order.part(problem, problem.line(0, 1, Pass::kF).first_op + 1);
  EXPECT_EQ(print_order(1, schedule_of(problem, order)->slots_of(1)), "1: F0 F1 I0 I1 W0 W1\n");
}

TEST(Order, RefusesAnotherPlacementAndAnotherSplitOfTheMicroBatches) {
  const SearchProblem problem = uniform_problem({.ranks = 4, .micro_batches = 8});
  EXPECT_EQ(order_of(problem, one_f_one_b({8, 8}).value()).error().message,
            "a schedule of another placement can't start the search");
  EXPECT_EQ(order_of(problem, one_f_one_b({4, 9}).value()).error().message,
            "pipe 0 has 9 micro-batches in the schedule and 8 in the search");
}

// DualPipe holds P + 1 activations; with P it is still valid and hardly longer.
TEST(Repair, BringsDualPipeWithinItsRanks) {
  const SearchProblem problem =
      uniform_problem({.kind = PlacementKind::kBidirectional, .ranks = 8, .micro_batches = 32, .cap = 8});
  const Order order = order_of(problem, dualpipe({8, 32}).value()).value();
  EXPECT_FALSE(fits_caps(problem, order));
  const Order repaired = repaired_to_caps(problem, order);
  EXPECT_TRUE(fits_caps(problem, repaired));
  Candidate before(problem);
  Candidate after(problem);
  ASSERT_TRUE(before.reset(order));
  ASSERT_TRUE(after.reset(repaired));
  EXPECT_LE(after.value_ns(), before.value_ns() + 3 * kNsPerUnit);
}

}  // namespace
}  // namespace pipeloom::tests
