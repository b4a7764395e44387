#include "core/job/cluster.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tests/support/models.h"

namespace pipeloom {
namespace {

TEST(Cluster, OneNodeNeedsNoNic) {
  Cluster cluster = tests::h800_cluster(1);
  cluster.nic_bytes_per_s = 0;
  EXPECT_TRUE(make_cluster(cluster).has_value());
}

TEST(Cluster, RanksThatShareAGpuHaveTheirPartsOfIt) {
  Cluster cluster = tests::h100_cluster(1);
  cluster.gpus_per_node = 4;
  cluster.shared_gpu = cluster.gpu;
  cluster.comm_sms = 8;
  const Cluster shared = make_cluster(cluster).value();
  EXPECT_EQ(shared.gpu.name, "1/4 of H100");
  EXPECT_EQ(shared.gpu.sms, 32);  // a quarter is 33 SMs, rounded down to eights
  EXPECT_EQ(shared.compute_sms(), 24);
  EXPECT_EQ(shared.gpu.memory_bytes, 20'000'000'000);
  EXPECT_DOUBLE_EQ(shared.gpu.bf16_flops, 989.4e12 * 32 / 132);
  EXPECT_EQ(make_cluster(shared).value(), shared);  // not divided again
  cluster.gpus_per_node = 1;
  EXPECT_EQ(make_cluster(cluster)->gpu, *cluster.shared_gpu);
}

TEST(Cluster, OnlyOneNodesRanksCanShareAGpu) {
  const auto error_of = [](const std::function<void(Cluster&)>& change) {
    Cluster cluster = tests::h100_cluster(1);
    cluster.gpus_per_node = 4;
    cluster.shared_gpu = cluster.gpu;
    cluster.comm_sms = 8;
    change(cluster);
    const auto result = make_cluster(cluster);
    return result ? std::string() : result.error().message;
  };
  EXPECT_EQ(error_of([](Cluster&) {}), "");
  EXPECT_EQ(error_of([](Cluster& c) { c.nodes = 2; }), "cluster.nodes is 2; with cluster.shared_gpu 1 is allowed");
  EXPECT_EQ(error_of([](Cluster& c) { c.gpus_per_node = 133; }),
            "cluster.gpus_per_node is 133; the SMs of the shared GPU allow 1 to 132");
  EXPECT_EQ(error_of([](Cluster& c) { c.comm_sms = 32; }), "cluster.comm_sms is 32; allowed are 0 to 31");
  EXPECT_EQ(error_of([](Cluster& c) {
              c.hand_over = HandOverCopy{CopyMethod::kBulk, 24};
            }),
            "cluster.hand_over.piece_bytes is 24; allowed are multiples of 16");
  EXPECT_EQ(error_of([](Cluster& c) {
              c.shared_gpu.reset();
              c.hand_over = HandOverCopy{};
            }),
            "cluster.hand_over is given; allowed only with cluster.shared_gpu");
}

TEST(Cluster, TakesTheLargestPowerOfTwoOfADomain) {
  Cluster cluster = tests::h100_cluster(64);
  cluster.gpus_per_node = 4;
  EXPECT_EQ(cluster.gpus_per_domain(), 4);
  cluster.nvlink_domain = 72;
  EXPECT_EQ(make_cluster(cluster)->gpus_per_domain(), 64);
  cluster.domain_gpus = 72;
  EXPECT_EQ(make_cluster(cluster)->gpus_per_domain(), 72);
  cluster.nodes = 8;
  EXPECT_EQ(make_cluster(cluster)->gpus_per_domain(), 32);  // it has no more
}

struct Bad {
  std::function<void(Cluster&)> change;
  const char* message;
};

TEST(Cluster, RefusesEachIllegalFieldAlone) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  const std::vector<Bad> bad = {
      {[](Cluster& c) { c.nodes = 0; }, "cluster.nodes is 0; allowed are 1 to 1000000"},
      {[](Cluster& c) {
         c.nodes = 1'000'000;
         c.gpus_per_node = 1'000;
       },
       "cluster.nodes is 1000000; with cluster.gpus_per_node = 1000 at most 10000000 GPUs are allowed"},
      {[](Cluster& c) { c.gpus_per_node = -8; }, "cluster.gpus_per_node is -8; allowed are 1 to 1024"},
      {[](Cluster& c) { c.nic_bytes_per_s = 0; }, "cluster.nic_bytes_per_s is 0; allowed are 1000000 to 1e+18"},
      {[=](Cluster& c) { c.nic_bytes_per_s = nan; }, "cluster.nic_bytes_per_s is nan; allowed are 1000000 to 1e+18"},
      {[](Cluster& c) { c.nvlink_latency_ns = -1; }, "cluster.nvlink_latency_ns is -1; allowed are 0 to 1000000000"},
      {[](Cluster& c) { c.nic_latency_ns = -1; }, "cluster.nic_latency_ns is -1; allowed are 0 to 1000000000"},
      {[](Cluster& c) { c.comm_sms = 132; }, "cluster.comm_sms is 132; allowed are 0 to 131"},
      {[](Cluster& c) { c.nvlink_domain = 4; }, "cluster.nvlink_domain is 4; allowed are 8 to 100000"},
      {[](Cluster& c) { c.domain_gpus = 8; }, "cluster.domain_gpus is 8; it needs cluster.nvlink_domain"},
      {[](Cluster& c) {
         c.nvlink_domain = 72;
         c.domain_gpus = 20;
       },
       "cluster.domain_gpus is 20; it must be a multiple of cluster.gpus_per_node (8)"},
      {[](Cluster& c) { c.gpu.name = ""; }, "cluster.gpu.name is empty; allowed is any other text"},
      {[](Cluster& c) { c.gpu.sms = 0; }, "cluster.gpu.sms is 0; allowed are 1 to 10000"},
      {[](Cluster& c) { c.gpu.memory_bytes = -1; },
       "cluster.gpu.memory_bytes is -1; allowed are 1000000 to 1000000000000000"},
      {[=](Cluster& c) { c.gpu.bf16_flops = infinite; }, "cluster.gpu.bf16_flops is inf; allowed are 1000000 to 1e+21"},
      {[](Cluster& c) { c.gpu.fp8_flops = -1; }, "cluster.gpu.fp8_flops is -1; allowed are 1000000 to 1e+21"},
      {[](Cluster& c) { c.gpu.memory_bytes_per_s = 0; },
       "cluster.gpu.memory_bytes_per_s is 0; allowed are 1000000 to 1e+18"},
      {[](Cluster& c) { c.gpu.nvlink_bytes_per_s = 0; },
       "cluster.gpu.nvlink_bytes_per_s is 0; allowed are 1000000 to 1e+18"},
  };
  for (const Bad& one : bad) {
    Cluster cluster = tests::h800_cluster(256);
    one.change(cluster);
    const auto result = make_cluster(cluster);
    ASSERT_FALSE(result.has_value()) << one.message;
    EXPECT_EQ(result.error().message, one.message);
  }
}

}  // namespace
}  // namespace pipeloom
