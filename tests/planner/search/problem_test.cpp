#include "planner/search/problem.h"

#include <gtest/gtest.h>

#include "planner/search/job_problem.h"

namespace pipeloom::tests {
namespace {

planner::SearchProblem::Input input_of(int micro_batches = 4) {
  const Placement placement = Placement::v(2).value();
  return {placement,
          planner::pipes_for(placement, micro_batches),
          ScheduleCosts::uniform(4, 2, StageCost::plain(3, 2, 1), {5, 0}).value(),
          std::vector(4, ActivationSize{10, 4}),
          {},
          planner::Objective::kMakespan};
}

std::string refusal(planner::SearchProblem::Input input) {
  const auto problem = planner::SearchProblem::create(std::move(input));
  return problem ? "none" : problem.error().message;
}

TEST(SearchProblem, SaysWhatItDoesNotTake) {
  EXPECT_EQ(refusal(input_of()), "none");
  auto input = input_of();
  input.costs = ScheduleCosts::uniform(4, 4, StageCost::plain(1, 1, 1)).value();
  EXPECT_EQ(refusal(input), "costs are for 4 stages on 4 ranks; the placement has 4 on 2");
  input = input_of();
  input.activations.pop_back();
  EXPECT_EQ(refusal(input), "activations are given for 3 stages; the placement has 4");
  input = input_of();
  input.memory_caps = {20};
  EXPECT_EQ(refusal(input), "memory caps are given for 1 ranks; allowed are one for all or 2");
  input.memory_caps = {20, 19};
  EXPECT_EQ(refusal(input), "the memory cap of rank 1 is 19; one micro-batch needs 20 there");
  input = input_of();
  input.pipe_of_micro_batch[2] = 1;
  EXPECT_EQ(refusal(input), "a micro-batch is on pipe 1; the placement has 1");
  EXPECT_EQ(refusal(input_of(0)), "the search takes 1 to 67108864 passes; this problem has 0");
}

TEST(SearchProblem, CountsHandOversBetweenRanksOnly) {
  const planner::SearchProblem problem = planner::SearchProblem::create(input_of()).value();
  EXPECT_EQ(problem.times()[problem.line_number(0, 0, planner::Pass::kF)].ready_ns, 3 + 5);
  EXPECT_EQ(problem.times()[problem.line_number(0, 1, planner::Pass::kF)].ready_ns, 3);  // the V turns on rank 1
  EXPECT_EQ(problem.work_ns(0), 2 * 4 * (3 + 2 + 1));
  EXPECT_EQ(problem.line(0, 0, planner::Pass::kI).give, 6);
  EXPECT_EQ(problem.line(0, 0, planner::Pass::kW).give, 4);
}

// The W of this stage needs more than F kept.
TEST(SearchProblem, AnIMayTakeMemory) {
  auto input = input_of();
  input.activations[0] = {10, 13};
  input.memory_caps = {22, 22};
  EXPECT_EQ(refusal(input), "the memory cap of rank 0 is 22; one micro-batch needs 23 there");
  input.memory_caps = {23, 22};
  const planner::SearchProblem problem = planner::SearchProblem::create(input).value();
  EXPECT_EQ(problem.line(0, 0, planner::Pass::kF).take, 10);
  EXPECT_EQ(problem.line(0, 0, planner::Pass::kI).give, -3);
  EXPECT_EQ(problem.line(0, 0, planner::Pass::kW).give, 13);
}

TEST(SearchProblem, HasNoWWhereItTakesNoTime) {
  auto input = input_of();
  input.costs = ScheduleCosts::uniform(4, 2, StageCost::plain(3, 2, 0), {5, 0}).value();
  const planner::SearchProblem problem = planner::SearchProblem::create(input).value();
  EXPECT_EQ(problem.passes(), 2);
  EXPECT_EQ(problem.line(0, 0, planner::Pass::kI).give, 10);
}

TEST(PipesFor, GivesThePipesEquallyMany) {
  EXPECT_EQ(planner::pipes_for(Placement::bidirectional(2, 1).value(), 5), (std::vector<uint16_t>{0, 0, 0, 1, 1}));
}

}  // namespace
}  // namespace pipeloom::tests
