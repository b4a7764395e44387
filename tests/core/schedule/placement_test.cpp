#include "core/schedule/placement.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pipeloom {
namespace {

std::vector<int> ranks_of(const Placement& placement, int pipe) {
  std::vector<int> ranks;
  for (int stage = 0; stage < placement.stages(); ++stage) ranks.push_back(placement.rank_of(pipe, stage));
  return ranks;
}

std::string chunks_of(const Placement& placement, int rank) {
  std::string text;
  for (const Chunk& chunk : placement.chunks_of(rank)) {
    text += std::to_string(chunk.pipe) + "." + std::to_string(chunk.stage) + " ";
  }
  return text;
}

std::string error(const Result<Placement>& placement) {
  return placement ? "accepted" : placement.error().message;
}

TEST(Placement, LinearHasOneStageOnEachRank) {
  const Placement placement = Placement::linear(3).value();
  EXPECT_EQ(placement.kind(), PlacementKind::kLinear);
  EXPECT_EQ(placement.pipes(), 1);
  EXPECT_EQ(placement.chunks_per_rank(), 1);
  EXPECT_EQ(ranks_of(placement, 0), (std::vector{0, 1, 2}));
}

TEST(Placement, LoopedComesBackToRank0) {
  const Placement placement = Placement::looped(3, 2).value();
  EXPECT_EQ(placement.kind(), PlacementKind::kLooped);
  EXPECT_EQ(ranks_of(placement, 0), (std::vector{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(chunks_of(placement, 1), "0.1 0.4 ");
}

TEST(Placement, VTurnsAtTheLastRank) {
  const Placement placement = Placement::v(3).value();
  EXPECT_EQ(placement.kind(), PlacementKind::kV);
  EXPECT_EQ(ranks_of(placement, 0), (std::vector{0, 1, 2, 2, 1, 0}));
  EXPECT_EQ(chunks_of(placement, 0), "0.0 0.5 ");
}

TEST(Placement, WaveTurnsAtBothEnds) {
  const Placement placement = Placement::wave(2, 2).value();
  EXPECT_EQ(placement.kind(), PlacementKind::kWave);
  EXPECT_EQ(ranks_of(placement, 0), (std::vector{0, 1, 1, 0, 0, 1, 1, 0}));
  EXPECT_EQ(chunks_of(placement, 1), "0.1 0.2 0.5 0.6 ");
}

TEST(Placement, BidirectionalHasPipesInBothDirections) {
  const Placement placement = Placement::bidirectional(4, 2).value();
  EXPECT_EQ(placement.kind(), PlacementKind::kBidirectional);
  EXPECT_EQ(placement.pipes(), 4);
  EXPECT_EQ(placement.chunks_per_rank(), 4);
  EXPECT_EQ(ranks_of(placement, 0), (std::vector{0, 1, 2, 3}));
  EXPECT_EQ(ranks_of(placement, 1), (std::vector{2, 3, 0, 1}));
  EXPECT_EQ(ranks_of(placement, 2), (std::vector{3, 2, 1, 0}));
  EXPECT_EQ(ranks_of(placement, 3), (std::vector{1, 0, 3, 2}));
  EXPECT_EQ(chunks_of(placement, 0), "0.0 1.2 2.3 3.1 ");
}

TEST(Placement, QueuesJoinNeighboursInOneDirection) {
  const Placement placement = Placement::v(2).value();
  const int down = placement.queue_from(Direction::kForward, 0, 0);
  const int up = placement.queue_from(Direction::kForward, 0, 2);
  ASSERT_EQ(placement.queues().size(), 4u);
  EXPECT_EQ(placement.queues()[down].source, 0);
  EXPECT_EQ(placement.queues()[down].target, 1);
  EXPECT_EQ(placement.queues()[up].source, 1);
  EXPECT_EQ(placement.queues()[up].target, 0);
  // Backwards of stage 3 also go down, but on a queue of their own.
  const int gradients = placement.queue_from(Direction::kBackward, 0, 3);
  EXPECT_NE(gradients, down);
  EXPECT_EQ(placement.queues()[gradients].direction, Direction::kBackward);
}

TEST(Placement, HasNoQueueWhereNothingTravels) {
  const Placement placement = Placement::v(2).value();
  EXPECT_EQ(placement.queue_from(Direction::kForward, 0, 1), -1);  // the turn
  EXPECT_EQ(placement.queue_from(Direction::kForward, 0, 3), -1);  // the last stage
  EXPECT_EQ(placement.queue_from(Direction::kBackward, 0, 0), -1);
}

TEST(Placement, SharesAQueueBetweenTheChunksOfTwoRanks) {
  const Placement placement = Placement::looped(2, 2).value();
  EXPECT_EQ(placement.queue_from(Direction::kForward, 0, 0), placement.queue_from(Direction::kForward, 0, 2));
}

TEST(Placement, RefusesSizesThatAreNotAllowed) {
  EXPECT_EQ(error(Placement::linear(0)), "ranks is 0; allowed are 1 to 4096");
  EXPECT_EQ(error(Placement::linear(4097)), "ranks is 4097; allowed are 1 to 4096");
  EXPECT_EQ(error(Placement::looped(4, 0)), "chunks is 0; a looped placement needs at least 1 per rank");
  EXPECT_EQ(error(Placement::looped(4096, 16)), "the placement has 65536 stages; at most 65535 are allowed");
  EXPECT_EQ(error(Placement::v(0)), "ranks is 0; allowed are 1 to 4096");
  EXPECT_EQ(error(Placement::wave(4, 0)), "waves is 0; a wave placement needs at least 1");
  EXPECT_EQ(error(Placement::wave(2, 1 << 30)), "the placement has 4294967296 stages; at most 65535 are allowed");
  EXPECT_EQ(error(Placement::bidirectional(3, 1)), "ranks is 3; a bidirectional placement needs an even number");
  EXPECT_EQ(error(Placement::bidirectional(4, 0)),
            "0 pairs of pipes over 4 ranks: ranks must be a multiple of twice the pairs");
  EXPECT_EQ(error(Placement::bidirectional(6, 2)),
            "2 pairs of pipes over 6 ranks: ranks must be a multiple of twice the pairs");
}

TEST(Placement, KindsHaveNames) {
  for (const auto kind : {PlacementKind::kLinear, PlacementKind::kLooped, PlacementKind::kV, PlacementKind::kWave,
                          PlacementKind::kBidirectional}) {
    EXPECT_EQ(placement_kind_from_name(placement_name(kind)).value(), kind);
  }
  EXPECT_EQ(placement_kind_from_name("w").error().message,
            "placement \"w\" is unknown; allowed are linear, looped, v, wave and bidirectional");
}

}  // namespace
}  // namespace pipeloom
