// The published bubble formulas, held against the simulator: where they are exact, and where they are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/planner/support.h"

namespace pipeloom::tests {
namespace {

using ::testing::ElementsAre;

class RandomTimes {
 public:
  explicit RandomTimes(uint32_t seed) : random_(seed) {}
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random_() % static_cast<uint64_t>(high - low + 1));
  }

 private:
  std::mt19937 random_;
};

std::vector<int64_t> idle_of(const SimulatedSchedule& simulated) {
  std::vector<int64_t> idle;
  for (int rank = 0; rank < simulated.schedule.ranks(); ++rank) idle.push_back(simulated.bubble.global_ns(rank));
  return idle;
}

std::vector<int64_t> every_rank(int ranks, int64_t bubble) {
  return std::vector<int64_t>(ranks, bubble);
}

TEST(Formulas, OneForwardOneBackwardAndGPipe) {
  RandomTimes random(1);
  for (int round = 0; round < 60; ++round) {
    const int p = static_cast<int>(random.between(1, 9));
    const int m = p + static_cast<int>(random.between(0, 12));
    const UnitTimes t = {random.between(1, 50), random.between(1, 50), random.between(1, 50)};
    for (const char* name : {"1f1b", "gpipe", "eager-1f1b"}) {
      EXPECT_EQ(idle_of(simulate_named(name, {p, m}, t)), every_rank(p, (p - 1) * (t.f + t.i + t.w))) << name;
    }
  }
}

TEST(Formulas, InterleavedAndLoopedBfsInChunkUnits) {
  RandomTimes random(2);
  for (int round = 0; round < 40; ++round) {
    const int p = static_cast<int>(random.between(2, 6));
    const int v = static_cast<int>(random.between(2, 4));
    const UnitTimes t = {random.between(1, 50), random.between(1, 50), random.between(1, 50)};
    for (const char* name : {"interleaved-1f1b", "looped-bfs"}) {
      EXPECT_EQ(idle_of(simulate_named(name, {p, 3 * p, v}, t)), every_rank(p, (p - 1) * (t.f + t.i + t.w))) << name;
    }
  }
}

TEST(Formulas, Zb1pIsExactWhereWIsTheShortestAndTooSmallElsewhere) {
  RandomTimes random(3);
  for (int round = 0; round < 80; ++round) {
    const int p = static_cast<int>(random.between(2, 9));
    const UnitTimes t = {random.between(1, 30), random.between(1, 30), random.between(1, 30)};
    const auto idle = idle_of(simulate_named("zb1p", {p, 3 * p}, t));
    const int64_t formula = (p - 1) * (t.f + t.i - t.w);
    if (t.f >= t.w && t.i >= t.w) {
      EXPECT_EQ(idle, every_rank(p, formula));
    } else {
      EXPECT_GT(*std::max_element(idle.begin(), idle.end()), formula);
    }
  }
}

TEST(Formulas, DualPipeIsExactForEqualFAndIShortWAndNoOverlap) {
  RandomTimes random(4);
  for (int round = 0; round < 60; ++round) {
    const int p = 2 * static_cast<int>(random.between(1, 6));
    const int m = 2 * p + 2 * static_cast<int>(random.between(0, 10));
    const int64_t f = random.between(1, 50);
    const int64_t w = random.between(1, f);
    const UnitTimes t = {f, f, w, f + f + w};
    EXPECT_EQ(idle_of(simulate_named("dualpipe", {p, m}, t)), every_rank(p, (p / 2 - 1) * (t.pair + f + w - 3 * w)));
  }
}

TEST(Formulas, DualPipeWithOverlapIsExactForTheMiddleRanksOnly) {
  // F = I = W = 2, pair 5: the formula says 9; the outer ranks run fewer pairs.
  EXPECT_THAT(idle_of(simulate_named("dualpipe", {8, 20}, {2, 2, 2, 5})), ElementsAre(7, 8, 9, 9, 9, 9, 8, 7));
}

TEST(Formulas, DualPipeIsOnlyABoundForALongerI) {
  const auto idle = idle_of(simulate_named("dualpipe", {8, 20}, {10, 12, 10, 32}));
  const int64_t formula = 3 * (32 + 22 - 30);
  EXPECT_EQ(formula, 72);
  EXPECT_EQ(*std::max_element(idle.begin(), idle.end()), 66);  // smaller by (P/2 - 1)(I - F)
}

TEST(Formulas, DualPipeIsTooSmallForALongerW) {
  const auto idle = idle_of(simulate_named("dualpipe", {8, 20}, {10, 10, 14, 34}));
  EXPECT_GT(*std::max_element(idle.begin(), idle.end()), 3 * (34 + 24 - 3 * 14));
}

TEST(Formulas, DualPipeVInChunkUnits) {
  RandomTimes random(5);
  for (int round = 0; round < 40; ++round) {
    const int p = static_cast<int>(random.between(1, 6));
    const int m = 2 * p + static_cast<int>(random.between(0, 10));
    const int64_t f = random.between(1, 50);
    const int64_t w = random.between(1, f);
    const UnitTimes t = {f, f, w, f + f + w};
    EXPECT_EQ(idle_of(simulate_named("dualpipev", {p, m}, t)), every_rank(p, (p - 1) * (t.pair + f + w - 3 * w)));
  }
}

TEST(Formulas, Chimera) {
  RandomTimes random(6);
  for (int round = 0; round < 40; ++round) {
    const int p = 2 * static_cast<int>(random.between(1, 6));
    const UnitTimes t = {random.between(1, 50), random.between(1, 25), random.between(1, 25)};
    const int64_t longer = std::max(t.f, t.i + t.w);
    const int64_t shorter = std::min(t.f, t.i + t.w);
    EXPECT_EQ(idle_of(simulate_named("chimera", {p, p}, t)), every_rank(p, (p - 2) * longer));
    EXPECT_EQ(idle_of(simulate_named("chimera", {p, 2 * p}, t)), every_rank(p, (p - 2) * (2 * longer - shorter)));
  }
  const planner::PipelineShape two_pairs = {.ranks = 8, .micro_batches = 8, .pipe_pairs = 2};
  EXPECT_EQ(idle_of(simulate_named("chimera", two_pairs, {3, 2, 2})), every_rank(8, (8 / 2 - 2) * 4));
}

TEST(Formulas, ZbH2AndZbVHaveNoBubbleInTheirSpanWithEnoughMicroBatches) {
  EXPECT_EQ(simulate_named("zb-h2", {8, 24}, {1, 1, 1}).bubble.span_ns, 72);
  EXPECT_EQ(simulate_named("zb-h2", {8, 24}, {1, 1, 1}).bubble.makespan_ns, 79);
  EXPECT_EQ(simulate_named("zb-v", {8, 16}, {1, 1, 1}).bubble.span_ns, 96);
}

}  // namespace
}  // namespace pipeloom::tests
