#include "planner/evaluate/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>
#include <set>

#include "core/schedule/placement.h"
#include "sim/cost/job_costs.h"
#include "tests/support/models.h"

namespace pipeloom::planner {
namespace {

using ::testing::ElementsAre;

std::vector<int> of(std::vector<int64_t> layers, int64_t first, int64_t last, int stages) {
  return balanced_partition({std::move(layers), first, last}, stages).value();
}

TEST(Partition, EqualLayersAreSpreadEvenly) {
  EXPECT_THAT(of({1, 1, 1, 1, 1, 1, 1, 1}, 0, 0, 4), ElementsAre(2, 2, 2, 2));
  // The slowest stage has 3 either way; 1 + 3 + 3 + 3 is less even.
  EXPECT_THAT(of({1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, 0, 4), ElementsAre(2, 2, 3, 3));
}

TEST(Partition, TheEndsCount) {
  EXPECT_THAT(of({1, 1, 1, 1, 1, 1, 1, 1, 1}, 2, 4, 3), ElementsAre(3, 5, 1));
  EXPECT_THAT(of({1, 1, 1, 1}, 0, 100, 2), ElementsAre(3, 1));
}

TEST(Partition, EveryStageHasALayer) {
  EXPECT_THAT(of({100, 1, 1, 1}, 0, 0, 4), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(of({0, 0, 0, 0, 0}, 0, 0, 2), ElementsAre(::testing::Gt(0), ::testing::Gt(0)));
}

// The embedding or the head may be all that an end has.
TEST(Partition, EndsMayBeEmpty) {
  const auto parted = [](std::vector<int64_t> layers, int64_t first, int64_t last, int stages) {
    return balanced_partition({std::move(layers), first, last}, stages, EmptyEnds::kAllowed).value();
  };
  EXPECT_THAT(parted({1, 1, 1, 1}, 0, 100, 2), ElementsAre(4, 0));
  EXPECT_THAT(parted({1, 1, 1, 1}, 2, 2, 4), ElementsAre(0, 2, 2, 0));
  EXPECT_THAT(parted({2, 2, 2, 2}, 1, 1, 4), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(parted({1, 2, 3}, 5, 5, 1), ElementsAre(3));
}

TEST(Partition, OneStageHoldsAll) {
  EXPECT_THAT(of({1, 2, 3}, 5, 5, 1), ElementsAre(3));
}

// The slowest stage over all partitions, by trying them.
int64_t slowest_by_trying(const sim::LayerWeights& weights, int stages, EmptyEnds ends, size_t begin = 0,
                          bool first = true) {
  const size_t layers = weights.layers_ns.size();
  const int64_t extra = first ? weights.first_extra_ns : 0;
  if (stages == 1) {
    return std::accumulate(weights.layers_ns.begin() + static_cast<std::ptrdiff_t>(begin), weights.layers_ns.end(),
                           extra + weights.last_extra_ns);
  }
  int64_t best = std::numeric_limits<int64_t>::max();
  int64_t stage_ns = extra;
  const bool may_be_empty = ends == EmptyEnds::kAllowed;
  const size_t least_after = static_cast<size_t>(stages) - 1 - (may_be_empty ? 1 : 0);
  for (size_t end = begin; end + least_after <= layers; ++end) {
    if (end > begin) stage_ns += weights.layers_ns[end - 1];
    if (end == begin && !(first && may_be_empty)) continue;
    best = std::min(best, std::max(stage_ns, slowest_by_trying(weights, stages - 1, ends, end, false)));
  }
  return best;
}

int64_t slowest_of(const sim::LayerWeights& weights, const std::vector<int>& sizes) {
  int64_t slowest = 0;
  size_t layer = 0;
  for (size_t stage = 0; stage < sizes.size(); ++stage) {
    int64_t ns = stage == 0 ? weights.first_extra_ns : 0;
    if (stage + 1 == sizes.size()) ns += weights.last_extra_ns;
    for (int i = 0; i < sizes[stage]; ++i) ns += weights.layers_ns[layer++];
    slowest = std::max(slowest, ns);
  }
  EXPECT_EQ(layer, weights.layers_ns.size());
  return slowest;
}

TEST(Partition, IsOptimalOnRandomCosts) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    sim::LayerWeights weights;
    const int layers = 1 + static_cast<int>(random() % 10);
    for (int i = 0; i < layers; ++i) weights.layers_ns.push_back(random() % 9);
    weights.first_extra_ns = random() % 12;
    weights.last_extra_ns = random() % 12;
    const int stages = 1 + static_cast<int>(random() % layers);
    for (const EmptyEnds ends : {EmptyEnds::kRefused, EmptyEnds::kAllowed}) {
      const std::vector<int> sizes = balanced_partition(weights, stages, ends).value();
      ASSERT_EQ(static_cast<int>(sizes.size()), stages);
      const bool may_be_empty = ends == EmptyEnds::kAllowed;
      for (int stage = 0; stage < stages; ++stage) {
        ASSERT_GE(sizes[stage], may_be_empty && (stage == 0 || stage == stages - 1) ? 0 : 1);
      }
      EXPECT_EQ(slowest_of(weights, sizes), slowest_by_trying(weights, stages, ends)) << "round " << round;
    }
  }
}

TEST(Partition, MoreStagesThanLayersAreRefused) {
  EXPECT_EQ(balanced_partition({{1, 1}, 0, 0}, 3).error().message,
            "the placement has 3 stages and the model 2 layers; allowed are 1 to 2 stages");
}

TEST(Partition, TheJobsOwnListIsCheckedAndKept) {
  Job job = tests::deepseek_v3_job();
  job.layout.layers_per_stage = {31, 30};
  EXPECT_THAT(partitions(job, Placement::linear(2).value()).value(), ElementsAre(ElementsAre(31, 30)));
  EXPECT_EQ(partitions(job, Placement::linear(16).value()).error().message,
            "layout.layers_per_stage has 2 entries; the placement has 16 stages");
  job.layout.layers_per_stage = {61, 0};
  EXPECT_THAT(partitions(job, Placement::linear(2).value()).value(), ElementsAre(ElementsAre(61, 0)));
}

// The last stage of DeepSeek-V3 carries the head and the MTP module, together almost four MoE layers.
TEST(Partition, DeepSeekV3sLastStageHasFewLayers) {
  const std::vector<int> sizes = partitions(tests::deepseek_v3_job(), Placement::linear(16).value()).value().front();
  EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), 0), 61);
  EXPECT_LE(sizes.back(), 2);
  EXPECT_LE(*std::max_element(sizes.begin(), sizes.end()), 5);
}

// DeepSeek-V3's 61 layers leave an odd one: what is near a partition has it elsewhere, at about the same weight.
TEST(NearPartitions, HaveTheOddLayerElsewhereAndNoHeavierRank) {
  const Job job = tests::deepseek_v3_job();
  const Placement placement = Placement::bidirectional(16, 1).value();
  const auto base = partitions(job, placement).value();
  const auto near = near_partitions(job, placement).value();
  ASSERT_GT(near.size(), base.size() + 10);
  EXPECT_TRUE(std::equal(base.begin(), base.end(), near.begin()));
  std::set<std::vector<int>> all;
  for (const std::vector<int>& layers : near) {
    EXPECT_TRUE(all.insert(layers).second);
    EXPECT_EQ(std::accumulate(layers.begin(), layers.end(), 0), 61);
    EXPECT_GE(*std::ranges::min_element(layers), 1);
    const bool one_moved = std::ranges::any_of(base, [&](const std::vector<int>& from) {
      int moved = 0;
      for (size_t i = 0; i < from.size(); ++i) moved += std::abs(from[i] - layers[i]);
      return moved <= 2;
    });
    EXPECT_TRUE(one_moved) << ::testing::PrintToString(layers);
  }
  // No rank of 16 holds more than one layer above the mean of its two stages.
  EXPECT_FALSE(all.contains({2, 5, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 1}));
  EXPECT_TRUE(all.contains({3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 1}));
}

TEST(NearPartitions, AreOnlyTheJobsOwnWhereItHasOne) {
  Job job = tests::deepseek_v3_job();
  job.layout.layers_per_stage = {31, 30};
  EXPECT_THAT(near_partitions(job, Placement::linear(2).value()).value(), ElementsAre(ElementsAre(31, 30)));
}

TEST(BalanceRanks, ARankThatHoldsAHeavyStageGetsFewerLayersElsewhere) {
  // The last stage is heavy whatever it holds; in a V its rank also holds stage 0.
  const sim::LayerWeights weights = {std::vector<int64_t>(16, 1), 0, 4};
  const Placement placement = Placement::v(2).value();
  const std::vector<int> by_stage = balanced_partition(weights, 4).value();
  const std::vector<int> by_rank = balance_ranks(weights, placement, by_stage);
  const auto load = [&](const std::vector<int>& sizes, int rank) {
    return rank == 0 ? sizes[0] + sizes[3] + 4 : sizes[1] + sizes[2];
  };
  EXPECT_EQ(std::accumulate(by_rank.begin(), by_rank.end(), 0), 16);
  EXPECT_EQ(load(by_rank, 0), 10);
  EXPECT_EQ(load(by_rank, 1), 10);
}

TEST(BalanceRanks, NeverMakesTheHeaviestRankHeavier) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    sim::LayerWeights weights;
    for (int layer = 0; layer < 40; ++layer) weights.layers_ns.push_back(1 + static_cast<int64_t>(random() % 9));
    weights.last_extra_ns = static_cast<int64_t>(random() % 30);
    const Placement placement = round % 2 == 0 ? Placement::v(6).value() : Placement::bidirectional(6, 1).value();
    const auto heaviest = [&](const std::vector<int>& sizes) {
      std::vector<int64_t> stage_ns;
      for (int stage = 0, begin = 0; stage < placement.stages(); begin += sizes[stage++]) {
        const auto first = weights.layers_ns.begin() + begin;
        stage_ns.push_back(std::accumulate(first, first + sizes[stage], int64_t{0}));
      }
      stage_ns.back() += weights.last_extra_ns;
      int64_t most = 0;
      for (int rank = 0; rank < placement.ranks(); ++rank) {
        int64_t load = 0;
        for (const Chunk& chunk : placement.chunks_of(rank)) load += stage_ns[chunk.stage];
        most = std::max(most, load);
      }
      return most;
    };
    const std::vector<int> by_stage = balanced_partition(weights, placement.stages()).value();
    const std::vector<int> by_rank = balance_ranks(weights, placement, by_stage);
    EXPECT_LE(heaviest(by_rank), heaviest(by_stage));
    EXPECT_GE(*std::min_element(by_rank.begin(), by_rank.end()), 1);
  }
}

}  // namespace
}  // namespace pipeloom::planner
