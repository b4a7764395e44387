#include "sim/cost/groups.h"

#include <gtest/gtest.h>

#include "proto/job/gpu_files.h"
#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

// DeepSeek-V3: PP16, DP128, EP64 on nodes of 8 (docs/research/costs.md, section 7: 256 and 4 replicas with both
// directions).
TEST(Groups, OfDeepSeekV3) {
  const Job job = tests::deepseek_v3_job();
  EXPECT_EQ(expert_group(job.layout, *job.cluster), (Group{64, 8}));
  EXPECT_EQ(dense_replicas(job.layout, *job.cluster, 1), (Group{128, 8}));
  EXPECT_EQ(dense_replicas(job.layout, *job.cluster, 2), (Group{256, 8}));
  EXPECT_EQ(expert_replicas(job.layout, *job.cluster, 2), (Group{4, 1}));
  EXPECT_EQ(tensor_group(job.layout, *job.cluster), (Group{1, 1}));
}

// Tensor parallelism over a node leaves one member of a data-parallel group in each; over half a node, two.
TEST(Groups, TensorParallelismSpreadsDataParallelGroups) {
  Job job = tests::llama3_405b_job();
  EXPECT_EQ(tensor_group(job.layout, *job.cluster), (Group{8, 8}));
  EXPECT_EQ(dense_replicas(job.layout, *job.cluster, 1), (Group{8, 1}));
  job.layout.tensor = 4;
  job.layout.data = 16;
  EXPECT_EQ(dense_replicas(job.layout, *job.cluster, 1), (Group{16, 2}));
  job.layout.tensor = 16;
  job.layout.data = 4;
  EXPECT_EQ(tensor_group(job.layout, *job.cluster), (Group{16, 8}));
}

// 256 GPUs of an NVL72, nodes of 4, are four domains of 64: an expert group of 64 talks over NVLink alone.
TEST(Groups, FillDomainsOfSeveralNodes) {
  Job job = tests::deepseek_v3_job();
  job.layout.pipeline = 4;
  job.layout.data = 64;
  job.cluster->nodes = 64;
  job.cluster->gpus_per_node = 4;
  EXPECT_EQ(expert_group(job.layout, *job.cluster), (Group{64, 4}));
  job.cluster->nvlink_domain = 72;
  EXPECT_EQ(expert_group(job.layout, *job.cluster), (Group{64, 64}));
  EXPECT_EQ(ring_bytes_per_s(expert_group(job.layout, *job.cluster), *job.cluster),
            job.cluster->gpu.nvlink_bytes_per_s);
  EXPECT_EQ(place_of_rank(job.layout, *job.cluster, 1).node, 1);
  // A group that straddles two domains is as slow as its NICs, those of a domain together.
  job.layout.data = 128;
  job.layout.pipeline = 2;
  EXPECT_EQ(dense_replicas(job.layout, *job.cluster, 1), (Group{128, 64}));
}

TEST(Groups, ContextSharesTheWeights) {
  Job job = tests::llama3_405b_job();
  job.layout.tensor = 2;
  job.layout.context = 4;
  EXPECT_EQ(context_group(job.layout, *job.cluster), (Group{4, 4}));
  EXPECT_EQ(dense_replicas(job.layout, *job.cluster, 1), (Group{32, 4}));
}

TEST(Groups, OrderDecidesWhoShareANode) {
  Job job = tests::deepseek_v3_job();
  job.layout.gpu_order = {Dimension::kPipeline, Dimension::kTensor, Dimension::kContext, Dimension::kData};
  EXPECT_EQ(expert_group(job.layout, *job.cluster), (Group{64, 1}));
  EXPECT_EQ(place_of_rank(job.layout, *job.cluster, 9).node, 1);
  EXPECT_EQ(place_of_rank(job.layout, *job.cluster, 9).local_index, 1);
}

// A ring between nodes uses the NICs of all its members: docs/research/costs.md, section 8: the node's rate over
// min(TP, 8).
TEST(Groups, RingsUseTheNicsOfTheirMembers) {
  Cluster cluster = tests::h800_cluster(4);
  cluster.gpu = proto::find_gpu("A100-80GB").value();
  cluster.nic_bytes_per_s = 12.5e9;
  EXPECT_DOUBLE_EQ(ring_bytes_per_s({32, 8}, cluster), 100e9);
  EXPECT_DOUBLE_EQ(ring_bytes_per_s({16, 4}, cluster), 50e9);
  EXPECT_DOUBLE_EQ(ring_bytes_per_s({4, 1}, cluster), 12.5e9);
  EXPECT_DOUBLE_EQ(ring_bytes_per_s({8, 8}, cluster), 230e9);
  EXPECT_DOUBLE_EQ(ring_seconds(1e9, {4, 1}, cluster), 0.75 * 1e9 / 12.5e9);
  EXPECT_EQ(ring_seconds(1e9, {1, 1}, cluster), 0);
}

// NCCL's all-reduce on A100 as vTrain measured it (MICRO'24), and what the ring says where nothing was measured.
TEST(Groups, AllReduceFollowsNcclOnA100) {
  Cluster cluster = tests::h800_cluster(1);
  cluster.gpu = proto::find_gpu("A100-80GB").value();
  constexpr double kMiB = 1 << 20;
  EXPECT_DOUBLE_EQ(all_reduce_seconds(256 * kMiB, {2, 2}, cluster), 1456e-6);
  EXPECT_DOUBLE_EQ(all_reduce_seconds(16 * kMiB, {8, 8}, cluster), 232e-6);
  EXPECT_DOUBLE_EQ(all_reduce_seconds(1, {8, 8}, cluster), 93e-6);
  EXPECT_DOUBLE_EQ(all_reduce_seconds(2048 * kMiB, {8, 8}, cluster), 2 * 8193e-6);
  EXPECT_EQ(all_reduce_seconds(16 * kMiB, {1, 1}, cluster), 0);
  cluster.gpu.rates.all_reduce.clear();
  EXPECT_NEAR(all_reduce_seconds(256 * kMiB, {4, 4}, cluster), 1929e-6, 0.1 * 1929e-6);
  EXPECT_NEAR(all_reduce_seconds(256 * kMiB, {8, 8}, cluster), 2162e-6, 0.1 * 2162e-6);
}

}  // namespace
}  // namespace pipeloom::sim
