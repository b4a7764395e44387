#include "core/job/variation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace pipeloom {
namespace {

constexpr int kSteps = 200'000;

// Returns mean and standard deviation of `draw` over many steps.
template <typename Draw>
std::pair<double, double> moments(const Variation& variation, Draw draw) {
  double sum = 0;
  double squares = 0;
  for (int step = 0; step < kSteps; ++step) {
    const double value = draw(StepDraws(variation, 7, static_cast<uint64_t>(step)));
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kSteps;
  return {mean, std::sqrt(squares / kSteps - mean * mean)};
}

TEST(Variation, JitterHasMeanOneAndItsStandardDeviation) {
  const Scatter scatter(0.3);
  const auto [mean, deviation] =
      moments({.jitter = 0.3}, [&](const StepDraws& draws) { return draws.jitter_factor(draw_key(3, 4), scatter); });
  EXPECT_NEAR(mean, 1, 0.005);
  EXPECT_NEAR(deviation, 0.3, 0.01);
}

TEST(Variation, AnExpertGroupWaitsForItsFullestGpu) {
  const Variation variation{.expert_imbalance = 0.2};
  const auto one = moments(variation, [](const StepDraws& draws) { return draws.expert_factor(5, 9, 1); });
  EXPECT_NEAR(one.first, 1, 0.005);
  EXPECT_NEAR(one.second, 0.2, 0.01);
  // Compares with the largest of 64 draws of its own.
  const auto group = moments(variation, [](const StepDraws& draws) { return draws.expert_factor(5, 9, 64); });
  double sum = 0;
  for (int step = 0; step < kSteps / 64; ++step) {
    const StepDraws draws(variation, 1, static_cast<uint64_t>(step));
    double largest = 0;
    for (int gpu = 0; gpu < 64; ++gpu) largest = std::max(largest, draws.expert_factor(gpu, 0, 1));
    sum += largest;
  }
  EXPECT_NEAR(group.first, sum / (kSteps / 64), 0.01);
  EXPECT_GT(group.first, 1.4);
}

TEST(Variation, StragglersAreAsFrequentAndAsSlowAsTheySay) {
  const Variation variation{.straggler_probability = 0.125, .straggler_slowdown = 3};
  const auto [mean, deviation] = moments(variation, [](const StepDraws& draws) { return draws.rank_factor(2); });
  EXPECT_NEAR(mean, 1.25, 0.01);
  EXPECT_NEAR(deviation, 2 * std::sqrt(0.125 * 0.875), 0.01);
}

TEST(Variation, ADrawDependsOnItsNameSeedAndStepAlone) {
  const Variation variation{.jitter = 0.1, .straggler_probability = 0.5, .straggler_slowdown = 2};
  const Scatter scatter(0.1);
  const StepDraws draws(variation, 1, 2);
  const double first = draws.jitter_factor(draw_key(1, 2), scatter);
  EXPECT_EQ(StepDraws(variation, 1, 2).jitter_factor(draw_key(1, 2), scatter), first);
  EXPECT_NE(draws.jitter_factor(draw_key(2, 1), scatter), first);
  EXPECT_NE(StepDraws(variation, 2, 2).jitter_factor(draw_key(1, 2), scatter), first);
  EXPECT_NE(StepDraws(variation, 1, 3).jitter_factor(draw_key(1, 2), scatter), first);
}

TEST(Variation, NoneChangesNothing) {
  const StepDraws draws(Variation{}, 1, 1);
  EXPECT_TRUE(Variation{}.none());
  EXPECT_EQ(draws.rank_factor(0), 1);
  EXPECT_EQ(draws.expert_factor(0, 0, 64), 1);
  EXPECT_EQ(draws.jitter_factor(1, Scatter(0)), 1);
}

}  // namespace
}  // namespace pipeloom
