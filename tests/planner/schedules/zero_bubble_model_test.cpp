#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <sstream>

#include "tests/planner/schedules/zero_bubble_cases.h"
#include "tests/planner/schedules/zero_bubble_support.h"

namespace pipeloom::tests {
namespace {

constexpr int kScale = 10;  // peer times have one decimal

std::string scaled(const std::string& numbers) {
  std::istringstream in(numbers);
  std::string text;
  for (std::string number; std::getline(in, number, '/');) {
    text += fmt::format("{}{}", text.empty() ? "" : "/", std::lround(std::stod(number) * kScale));
  }
  return text;
}

// The row's costs as those of a reference order.
ReferenceOrder reference_of(std::map<std::string, std::string>& row) {
  ReferenceOrder reference;
  reference.schedule = row["schedule"] == "zb1p" ? "zb1p_victarry" : row["schedule"];
  reference.ranks = std::stoi(row["P"]);
  reference.micro_batches = std::stoi(row["M"]);
  reference.parameters = {
      {"f", scaled(row["F"])}, {"b", scaled(row["B_input"])}, {"w", scaled(row["W"])}, {"comm", scaled(row["comm"])}};
  return reference;
}

int64_t busy_ns(const Schedule& schedule, const ScheduleCosts& costs, int rank) {
  int64_t busy = 0;
  for (const Slot& slot : schedule.slots_of(rank)) busy += slot_ns(slot, costs);
  return busy;
}

// What the reference simulators print: makespan, peak memory per rank and their own measure of the bubble.
TEST(ZeroBubbleModel, PeerTimesAreReproduced) {
  int rows = 0;
  for (auto& row : read_csv("cases/peer_times.csv")) {
    const bool is_sail = row["tool"].starts_with("sail");
    if (!is_sail && !row["tool"].starts_with("Victarry")) continue;
    const ReferenceOrder reference = reference_of(row);
    const auto& cases = zero_bubble_cases();
    const auto found = std::find_if(cases.begin(), cases.end(),
                                    [&](const auto& schedule) { return schedule.reference == reference.schedule; });
    if (found == cases.end()) continue;
    SCOPED_TRACE(row["tool"] + " " + row["schedule"] + " " + row["P"] + " " + row["M"] + " " + row["F"]);
    const OwnedInputs inputs = inputs_of(reference, found->stages_per_rank * reference.ranks);
    planner::PipelineShape shape;
    shape.ranks = reference.ranks;
    shape.micro_batches = reference.micro_batches;
    const auto schedule = found->generate(shape, inputs.view());
    ASSERT_TRUE(schedule.has_value()) << schedule.error().message;

    EXPECT_EQ(std::to_string(makespan_ns(*schedule, inputs.costs)), scaled(row["makespan"]));
    EXPECT_EQ(fmt::format("{}", fmt::join(peak_memory(*schedule, {}), " ")), row["peak_mem"]);
    if (is_sail) {
      const int64_t span = span_ns(*schedule, inputs.costs);
      const bool counts_idle = row["schedule"] == "zbv";
      const int64_t bubble = counts_idle ? span - busy_ns(*schedule, inputs.costs, 0) : span;
      EXPECT_EQ(std::to_string(bubble), scaled(row["bubble_value"]));
    }
    ++rows;
  }
  EXPECT_GE(rows, 20);
}

// Qi et al., "Zero Bubble Pipeline Parallelism", ICLR 2024, section 2: exact where neither F nor I is shorter than W.
TEST(ZeroBubbleModel, ZbH1BubbleMatchesFormula) {
  std::mt19937 random(7);
  for (int ranks = 1; ranks <= 8; ++ranks) {
    for (int repeat = 0; repeat < 10; ++repeat) {
      const int64_t w = 1 + random() % 100;
      const int64_t f = w + random() % 100;
      const int64_t i = w + random() % 100;
      const auto costs = ScheduleCosts::uniform(ranks, ranks, StageCost::plain(f, i, w)).value();
      planner::PipelineShape shape;
      shape.ranks = ranks;
      shape.micro_batches = 2 * ranks + 1 + static_cast<int>(random() % 8);
      const auto schedule = planner::zb_h1(shape, {costs});
      ASSERT_TRUE(schedule.has_value()) << schedule.error().message;
      const int64_t bubble = makespan_ns(*schedule, costs) - shape.micro_batches * (f + i + w);
      EXPECT_EQ(bubble, (ranks - 1) * (f + i - w)) << ranks << " ranks, F=" << f << " I=" << i << " W=" << w;
    }
  }
}

TEST(ZeroBubbleModel, Zb1pBubbleMatchesFormula) {
  const auto costs = ScheduleCosts::uniform(6, 6, StageCost::plain(7, 9, 4)).value();
  planner::PipelineShape shape;
  shape.ranks = 6;
  shape.micro_batches = 12;
  EXPECT_EQ(makespan_ns(planner::zb1p(shape).value(), costs), 12 * (7 + 9 + 4) + 5 * (7 + 9 - 4));
  EXPECT_EQ(makespan_ns(planner::zb_h1_quick(shape).value(), costs), 12 * (7 + 9 + 4) + 5 * (7 + 9 - 4));
}

// With equal passes and enough memory no rank idles between its first and its last slot.
TEST(ZeroBubbleModel, ZbH2AndZbVHaveNoBubbleInTheirSpan) {
  for (int ranks = 2; ranks <= 8; ++ranks) {
    planner::PipelineShape shape;
    shape.ranks = ranks;
    shape.micro_batches = 3 * ranks;
    const OwnedInputs linear = unit_inputs(ranks, ranks);
    EXPECT_EQ(span_ns(planner::zb_h2(shape, linear.view()).value(), linear.costs), 3 * shape.micro_batches) << ranks;
    const OwnedInputs v = unit_inputs(2 * ranks, ranks);
    EXPECT_EQ(span_ns(planner::zb_v(shape, v.view()).value(), v.costs), 6 * shape.micro_batches) << ranks;
  }
}

// docs/research/schedules.md, section 1: P + 2 chunks for an even number of ranks, P + 1 for an odd one.
TEST(ZeroBubbleModel, VHalfHoldsHalf) {
  for (int ranks = 3; ranks <= 16; ++ranks) {
    planner::PipelineShape shape;
    shape.ranks = ranks;
    shape.micro_batches = 2 * ranks;
    const auto schedule = planner::v_half(shape);
    ASSERT_TRUE(schedule.has_value()) << schedule.error().message;
    const auto peaks = peak_memory(*schedule, {});
    EXPECT_EQ(*std::max_element(peaks.begin(), peaks.end()), ranks + (ranks % 2 == 0 ? 2 : 1)) << ranks;
  }
}

}  // namespace
}  // namespace pipeloom::tests
