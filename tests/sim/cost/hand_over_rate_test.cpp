#include "sim/cost/hand_over_rate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/cost/pipeline_links.h"
#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

// Four ranks on an H100; 8 SMs copy 100 GB/s of a small message and 200 of a large one, 16 half as much again.
Cluster shared(int comm_sms) {
  Cluster cluster = tests::h100_cluster(1);
  cluster.gpus_per_node = 4;
  cluster.comm_sms = comm_sms;
  cluster.gpu.rates.hand_over = {
      {8, {{kMiB, 100e9, {CopyMethod::kStreaming, 16'384}}, {16 * kMiB, 200e9, {CopyMethod::kBulk, 65'536}}}},
      {16, {{kMiB, 150e9, {CopyMethod::kLoadStore, 4096}}, {16 * kMiB, 300e9, {CopyMethod::kBulk, 262'144}}}}};
  cluster.shared_gpu = cluster.gpu;
  return make_cluster(cluster).value();
}

TEST(HandOverRate, IsThatOfTheCurves) {
  EXPECT_DOUBLE_EQ(hand_over_bytes_per_s(shared(8), kMiB), 100e9);
  EXPECT_DOUBLE_EQ(hand_over_bytes_per_s(shared(16), 16 * kMiB), 300e9);
  EXPECT_DOUBLE_EQ(hand_over_bytes_per_s(shared(16), 64 * kMiB), 300e9);
  // Between points a line over logarithms: half way is the geometric mean.
  EXPECT_NEAR(hand_over_bytes_per_s(shared(8), 4 * kMiB), std::sqrt(100e9 * 200e9), 1);
  EXPECT_NEAR(hand_over_bytes_per_s(shared(12), kMiB), 100e9 * std::pow(1.5, std::log2(1.5)), 1e3);
  EXPECT_DOUBLE_EQ(hand_over_bytes_per_s(shared(4), kMiB), 50e9);    // below: as much per SM
  EXPECT_DOUBLE_EQ(hand_over_bytes_per_s(shared(24), kMiB), 150e9);  // above: no more
  EXPECT_DOUBLE_EQ(hand_over_bytes_per_s(shared(0), kMiB), 150e9);   // none apart: all 32
}

TEST(HandOverRate, TheCopyIsTheOneThatWasFastest) {
  const auto of = [](int sms, int64_t bytes) { return fastest_hand_over(shared(sms), bytes, 1024); };
  EXPECT_EQ(of(8, kMiB), (HandOverCopy{CopyMethod::kStreaming, 16'384}));
  EXPECT_EQ(of(8, 3 * kMiB), (HandOverCopy{CopyMethod::kStreaming, 16'384}));
  EXPECT_EQ(of(8, 5 * kMiB), (HandOverCopy{CopyMethod::kBulk, 65'536}));
  EXPECT_EQ(of(12, 16 * kMiB), (HandOverCopy{CopyMethod::kBulk, 65'536}));
  EXPECT_EQ(of(16, kMiB), (HandOverCopy{CopyMethod::kLoadStore, 4096}));
  EXPECT_EQ(of(4, kMiB), (HandOverCopy{CopyMethod::kStreaming, 16'384}));
}

TEST(HandOverRate, WithoutCurvesSmsCopyAsInAnAllToAll) {
  Cluster cluster = shared(8);
  cluster.gpu.rates.hand_over.clear();
  cluster.comm_piece_tokens = 3;
  EXPECT_DOUBLE_EQ(hand_over_bytes_per_s(cluster, kMiB), 8 * cluster.gpu.rates.all_to_all_sm_bytes_per_s);
  EXPECT_EQ(fastest_hand_over(cluster, kMiB, 1001), (HandOverCopy{CopyMethod::kStreaming, 3008}));
}

TEST(HandOverRate, IsTheLinkOfRanksThatShareAGpu) {
  Job job = tests::llama3_405b_job();
  job.layout.pipeline = 4;
  job.layout.data = job.layout.tensor = 1;
  job.cluster = shared(8);
  const std::vector<LinkCost> links = pipeline_links(job, 4);
  ASSERT_EQ(links.size(), 1u);
  EXPECT_EQ(links[0], (LinkCost{2'000, 200'000'000'000}));  // 256 MiB
}

}  // namespace
}  // namespace pipeloom::sim
