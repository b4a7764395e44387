#include "sim/cost/pipeline_links.h"

#include <gtest/gtest.h>

#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

TEST(Links, GroupsThatFillNodesPutNeighboursOnDifferentNodes) {
  const std::vector<LinkCost> links = pipeline_links(tests::deepseek_v3_job(), 16);
  ASSERT_EQ(links.size(), 1u);
  EXPECT_EQ(links[0], (LinkCost{5'000, 45'000'000'000}));
  EXPECT_EQ(hand_over_bytes(tests::deepseek_v3_job()), 2 * 4096 * 7168);  // 58.7 MB: docs/research/costs.md, section 7
}

TEST(Links, ANodeHoldsSeveralRanksOfASmallPipeline) {
  Job job = tests::llama3_405b_job();
  job.cluster->nodes = 2;
  job.layout.pipeline = 8;
  job.layout.data = 1;
  job.layout.tensor = 2;
  const std::vector<LinkCost> links = pipeline_links(job, 8);
  ASSERT_EQ(links.size(), 64u);
  const LinkCost nvlink = {2'000, 360'000'000'000};
  EXPECT_EQ(links[0 * 8 + 1], nvlink);
  EXPECT_EQ(links[2 * 8 + 3], nvlink);
  EXPECT_EQ(links[0 * 8 + 4].latency_ns, 5'000);  // both the first of their node
  EXPECT_EQ(links[3 * 8 + 4].latency_ns, 7'000);  // across rails: NVLink besides
  EXPECT_EQ(links[4 * 8 + 3].latency_ns, 7'000);
  EXPECT_EQ(hand_over_bytes(job), int64_t{2} * 8192 * 16384 / 2);
}

TEST(Links, OneNodeNeedsNoNic) {
  Job job = tests::llama3_405b_job();
  job.cluster->nodes = 1;
  job.layout.pipeline = 8;
  job.layout.data = job.layout.tensor = 1;
  const std::vector<LinkCost> links = pipeline_links(job, 8);
  ASSERT_EQ(links.size(), 1u);
  EXPECT_EQ(links[0].latency_ns, 2'000);
}

// The pipeline inside the nodes, data parallelism between them.
TEST(Links, GpuOrderDecidesWhoAreNeighbours) {
  Job job = tests::llama3_405b_job();
  job.cluster->nodes = 8;
  job.layout.pipeline = 8;
  job.layout.data = 8;
  job.layout.tensor = 1;
  EXPECT_EQ(pipeline_links(job, 8)[0].latency_ns, 5'000);
  job.layout.gpu_order = {Dimension::kPipeline, Dimension::kTensor, Dimension::kContext, Dimension::kData};
  const std::vector<LinkCost> links = pipeline_links(job, 8);
  ASSERT_EQ(links.size(), 1u);
  EXPECT_EQ(links[0].latency_ns, 2'000);
}

TEST(Links, WithoutSequenceParallelismEveryGpuSendsTheWhole) {
  Job job = tests::llama3_405b_job();
  const int64_t share = hand_over_bytes(job);
  job.layout.sequence_parallel = false;
  EXPECT_EQ(hand_over_bytes(job), 8 * share);
}

}  // namespace
}  // namespace pipeloom::sim
