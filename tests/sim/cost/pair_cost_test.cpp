#include "sim/cost/pair_cost.h"

#include <gtest/gtest.h>

namespace pipeloom {
namespace {

LayerBlock block(LayerBlock::Pass forward, LayerBlock::Pass input, int64_t before_weight, int64_t between_weight) {
  return {forward, input, before_weight, between_weight};
}

TEST(PairCost, ShortCommunicationHidesBeneathCompute) {
  const std::vector<LayerBlock> blocks(4, block({10, 1, 10, 1}, {10, 1, 10, 1}, 5, 5));
  const OverlapTime time = overlap(blocks, blocks);
  EXPECT_EQ(time.compute_ns, 4 * 50);
  EXPECT_EQ(time.communication_ns, 4 * 4);
  EXPECT_EQ(time.duration_ns, 4 * 50);
  EXPECT_EQ(time.hidden_ns(), 16);
}

TEST(PairCost, LongCommunicationLeavesComputeWaiting) {
  const std::vector<LayerBlock> blocks(4, block({1, 10, 1, 10}, {1, 10, 1, 10}, 1, 1));
  const OverlapTime time = overlap(blocks, blocks);
  EXPECT_GE(time.duration_ns, 4 * 40);  // the communication lane
  EXPECT_LE(time.duration_ns, 4 * 40 + 2 * 4);
  EXPECT_EQ(time.hidden_ns(), time.compute_ns + time.communication_ns - time.duration_ns);
}

TEST(PairCost, OneLayerByHand) {
  // compute: before F 0-2, between I 3-6, its W 6-7, between F 7-11, before I 14-19, its W 19-20
  // communication: combine I 0-3, dispatch F 3-7, dispatch I 7-14, combine F 14-16
  const std::vector<LayerBlock> forward = {block({2, 4, 4, 2}, {}, 0, 0)};
  const std::vector<LayerBlock> backward = {block({}, {5, 7, 3, 3}, 1, 1)};
  const OverlapTime time = overlap(forward, backward);
  EXPECT_EQ(time.duration_ns, 20);
  EXPECT_EQ(time.compute_ns, 2 + 4 + 5 + 3 + 1 + 1);
  EXPECT_EQ(time.communication_ns, 4 + 2 + 7 + 3);
}

TEST(PairCost, DispatchBackWaitsForItsExperts) {
  // compute: before F 0-2, between I 3-6, its W 6-7, between F 7-11, before I 13-18, its W 18-19
  // communication: combine I 0-3, dispatch F 3-4, dispatch I 6-13, combine F 13-15
  EXPECT_EQ(overlap({block({2, 1, 4, 2}, {}, 0, 0)}, {block({}, {5, 7, 3, 3}, 1, 1)}).duration_ns, 19);
}

TEST(PairCost, CombineWaitsForItsExperts) {
  // compute: before F 0-2, between I 3-6, its W 6-7, between F 7-11, before I 11-16, its W 16-17
  // communication: combine I 0-3, dispatch F 3-4, dispatch I 6-7, combine F 11-19
  EXPECT_EQ(overlap({block({2, 1, 4, 8}, {}, 0, 0)}, {block({}, {5, 1, 3, 3}, 1, 1)}).duration_ns, 19);
}

TEST(PairCost, ForwardAloneIsAChain) {
  const LayerBlock layer = block({2, 3, 4, 5}, {}, 0, 0);
  const OverlapTime time = overlap({layer, layer}, {});
  EXPECT_EQ(time.duration_ns, 2 * 14);
  EXPECT_EQ(time.hidden_ns(), 0);
}

TEST(PairCost, StagesOfUnequalLength) {
  const LayerBlock layer = block({10, 0, 10, 0}, {10, 0, 10, 0}, 5, 5);
  EXPECT_EQ(overlap({layer, layer, layer}, {layer}).duration_ns, 3 * 20 + 30);
  EXPECT_EQ(overlap({}, {layer}).duration_ns, 30);
  EXPECT_EQ(overlap({}, {}).duration_ns, 0);
}

TEST(PairCost, BackwardStartsAtTheLastLayer) {
  const LayerBlock first = block({}, {1, 0, 1, 0}, 10, 0);  // its W ends the pass
  const LayerBlock last = block({}, {1, 0, 1, 10}, 0, 0);   // its combine begins it
  EXPECT_EQ(overlap({}, {first, last}).duration_ns, 10 + 1 + 1 + 1 + 1 + 10);
}

// The measured DeepSeek-V3 chunk (docs/dsv3_chunk.md): four equal layers of mean durations, all-to-all with its
// waits. The pair spans 129.0 ms; replaying every duration gives 128.6. Means smooth the stalls of the last layer (1.7
// ms) and the gaps between components (2.7 ms).
TEST(PairCost, MeanDurationsOfTheMeasuredChunk) {
  const LayerBlock layer = block({4599, 6738, 4641, 8696}, {9540, 7558, 5363, 5784}, 2396, 5073);
  const std::vector<LayerBlock> blocks(4, layer);
  EXPECT_NEAR(static_cast<double>(overlap(blocks, blocks).duration_ns), 129'012, 0.04 * 129'012);
}

TEST(PairCost, BlocksFollowTheLayersOfAProgram) {
  const StageProgram program = {
      {-1, Component::kEmbed, Lane::kCompute, 1, 0, 2},     {0, Component::kAttention, Lane::kCompute, 3, 4, 5},
      {0, Component::kMlp, Lane::kCompute, 6, 7, 8},        {1, Component::kAttention, Lane::kCompute, 9, 10, 11},
      {1, Component::kRouter, Lane::kCompute, 1, 1, 1},     {1, Component::kDispatch, Lane::kEp, 12, 13, 0},
      {1, Component::kExperts, Lane::kCompute, 14, 15, 16}, {1, Component::kCombine, Lane::kEp, 17, 18, 0}};
  const std::vector<LayerBlock> blocks = layer_blocks(program);
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_EQ(blocks[0].forward.before_ns, 1);
  EXPECT_EQ(blocks[0].before_weight_ns, 2);
  EXPECT_EQ(blocks[1].forward.between_ns, 6);
  EXPECT_EQ(blocks[1].between_weight_ns, 8);
  EXPECT_EQ(blocks[2].forward.before_ns, 10);
  EXPECT_EQ(blocks[2].input.dispatch_ns, 13);
  EXPECT_EQ(blocks[2].input.combine_ns, 18);
  EXPECT_EQ(blocks[2].before_weight_ns, 12);
}

}  // namespace
}  // namespace pipeloom
