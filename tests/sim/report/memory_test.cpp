#include "sim/report/memory.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/engine/simulate.h"
#include "tests/support/orders.h"
#include "tests/support/references.h"

namespace pipeloom::sim {
namespace {

Schedule one_rank(const char* order, int micro_batches) {
  return Schedule::create(Placement::linear(1).value(), micro_batches, tests::parse_orders(order)).value();
}

TEST(Memory, GivesBackAllButTheWeightShareAtTheEndOfI) {
  const Schedule schedule = one_rank("0: F0 I0 F1 I1 W0 W1", 2);
  EXPECT_EQ(peak_activations(schedule, std::vector{ActivationSize{10, 4}}), std::vector<int64_t>{14});
  EXPECT_EQ(peak_activations(schedule, std::vector{ActivationSize{10, 10}}), std::vector<int64_t>{20});
  EXPECT_EQ(peak_activations(schedule, std::vector{ActivationSize{10, 0}}), std::vector<int64_t>{10});
}

TEST(Memory, CountsTheForwardOfAPairFirst) {
  const Schedule schedule = one_rank("0: F0 F1&B0 B1", 2);
  EXPECT_EQ(peak_activations(schedule, std::vector{ActivationSize{10, 10}}), std::vector<int64_t>{20});
}

TEST(Memory, NamesWhatIsAliveAtThePeak) {
  const Schedule schedule = one_rank("0: F0 I0 F1 F2 I1 W0 W1 B2", 3);
  EXPECT_EQ(alive_at_peak(schedule, std::vector{ActivationSize{10, 4}}, 0), (std::vector{AliveAtPeak{0, 2, 1}}));
  const Schedule twice = one_rank("0: F0 B0 F1 I1 W1", 2);  // the first of equal moments
  EXPECT_EQ(alive_at_peak(twice, std::vector{ActivationSize{10, 10}}, 0), (std::vector{AliveAtPeak{0, 1, 0}}));
  const Schedule parked = one_rank("0: F0 F1 I0 I1 F2 B2 W0 W1", 3);
  EXPECT_EQ(alive_at_peak(parked, std::vector{ActivationSize{10, 5}}, 0), (std::vector{AliveAtPeak{0, 2, 0}}));
  const Schedule late = one_rank("0: F0 I0 F1 I1 F2 W0 W1 B2", 3);
  EXPECT_EQ(alive_at_peak(late, std::vector{ActivationSize{10, 4}}, 0), (std::vector{AliveAtPeak{0, 1, 2}}));
}

// An I takes memory at its end; a B, which is I and W, does not.
TEST(Memory, AWeightShareAboveOneIsHeldFromIToW) {
  const std::vector size = {ActivationSize{10, 16}};
  const Schedule apart = one_rank("0: F0 F1 I0 I1 W0 W1", 2);
  EXPECT_EQ(peak_activations(apart, size), std::vector<int64_t>{32});
  EXPECT_EQ(alive_at_peak(apart, size, 0), (std::vector{AliveAtPeak{0, 0, 2}}));
  EXPECT_EQ(peak_activations(one_rank("0: F0 F1 I0 W0 I1 W1", 2), size), std::vector<int64_t>{26});
  EXPECT_EQ(peak_activations(one_rank("0: F0 F1 B0 B1", 2), size), std::vector<int64_t>{20});
  // In a pair of F and I the F counts first, and stays.
  const Schedule pair = one_rank("0: F0 F1&I0 I1 W0 W1", 2);
  EXPECT_EQ(peak_activations(pair, size), std::vector<int64_t>{32});
  EXPECT_EQ(peak_activations(one_rank("0: F0 F1&I0 W0 I1 W1", 2), size), std::vector<int64_t>{26});
}

TEST(Memory, CurveStepsAtStartsAndEnds) {
  const Schedule schedule = one_rank("0: F0 I0 W0", 1);
  const auto costs = ScheduleCosts::uniform(1, 1, StageCost::plain(5, 6, 7)).value();
  const Timeline timeline = simulate(schedule, costs, {}).value();
  const std::vector<MemoryPoint> expected = {{0, 10}, {11, 4}, {18, 0}};
  EXPECT_EQ(activation_curve(schedule, timeline, std::vector{ActivationSize{10, 4}}, 0), expected);
  const std::vector<MemoryPoint> growing = {{0, 10}, {11, 16}, {18, 0}};
  EXPECT_EQ(activation_curve(schedule, timeline, std::vector{ActivationSize{10, 16}}, 0), growing);
}

// Temporaries come on top while a backward pass runs, and at its end.
TEST(Memory, PeakHeldHasTemporaries) {
  const Schedule schedule = one_rank("0: F0 F1 B0 B1", 2);
  const std::vector<ActivationSize> sizes = {{10, 4}};
  EXPECT_EQ(peak_held(schedule, sizes, {}), (std::vector<PeakHeld>{{20, 0}}));
  EXPECT_EQ(peak_held(schedule, sizes, std::vector{StageTemporaries{3, 0, 0, 2}}), (std::vector<PeakHeld>{{20, 3}}));
  EXPECT_EQ(peak_held(schedule, sizes, std::vector{StageTemporaries{3, 15, 0, 2}}), (std::vector<PeakHeld>{{10, 15}}));
}

// A pair's F takes one layer; then it fills what the backward pass frees.
TEST(Memory, PeakHeldOfAPairIsOneLayerMore) {
  const Schedule pair = one_rank("0: F0 F1&B0 B1", 2);
  const std::vector<ActivationSize> sizes = {{10, 4}};
  EXPECT_EQ(peak_held(pair, sizes, {}), (std::vector<PeakHeld>{{20, 0}}));
  const std::vector<StageTemporaries> temporaries = {{3, 0, 0, 2}};
  EXPECT_EQ(peak_held(pair, sizes, temporaries), (std::vector<PeakHeld>{{12, 3}}));
  const Timeline timeline = simulate(pair, tests::unit_costs(pair), {}).value();
  const auto curve = activation_curve(pair, timeline, sizes, 0, temporaries);
  EXPECT_EQ(std::ranges::max_element(curve, {}, &MemoryPoint::held)->held, 15);
  EXPECT_EQ(curve.back().held, 0);
}

TEST(Memory, CurveReachesThePeakAndEndsEmpty) {
  for (const Schedule& schedule : tests::small_reference_schedules()) {
    const std::vector<ActivationSize> sizes(schedule.stages(), ActivationSize{10, 4});
    const Timeline timeline = simulate(schedule, tests::unit_costs(schedule), {}).value();
    const auto peaks = peak_activations(schedule, sizes);
    for (int rank = 0; rank < schedule.ranks(); ++rank) {
      const auto curve = activation_curve(schedule, timeline, sizes, rank);
      EXPECT_EQ(curve.back().held, 0);
      // Where a slot ends and the next begins at one time the curve shows only what is left.
      EXPECT_LE(
          std::max_element(curve.begin(), curve.end(), [](const auto& a, const auto& b) { return a.held < b.held; })
              ->held,
          peaks[rank]);
    }
  }
}

}  // namespace
}  // namespace pipeloom::sim
