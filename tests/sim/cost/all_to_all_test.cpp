#include "sim/cost/all_to_all.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/models.h"

namespace pipeloom::sim {
namespace {

Cluster cluster_with(int comm_sms, int piece_tokens) {
  Cluster cluster = tests::h800_cluster(8);
  cluster.comm_sms = comm_sms;
  cluster.comm_piece_tokens = piece_tokens;
  return cluster;
}

constexpr double kToken = 7392;  // FP8 with scales, hidden 7168

// GB/s through the NIC of a transfer of many tokens.
double nic_rate(const Cluster& cluster, double nvlink_share) {
  constexpr double kBytes = 10e9;
  return kBytes / all_to_all_payload_seconds({kBytes, nvlink_share * kBytes, kToken}, cluster) / 1e9;
}

TEST(AllToAll, TheSlowestStageDecides) {
  const Cluster cluster = cluster_with(20, 28);
  EXPECT_NEAR(nic_rate(cluster, 1.9), 40, 0.5);                                    // 0.8 of 50 GB/s
  EXPECT_NEAR(nic_rate(cluster, 8), 160.0 / 8, 0.5);                               // NVLink
  EXPECT_NEAR(nic_rate(cluster_with(4, 28), 1.9), 4 * 20.3 / (1 + 2 * 1.9), 0.5);  // SMs
  EXPECT_EQ(all_to_all_payload_seconds({}, cluster), 0);
}

// DeepEP issue 51: on two nodes 16 SMs saturate: 43.2 GB/s to the NIC and 141 GB/s of NVLink.
TEST(AllToAll, SixteenSmsSaturateTwoNodes) {
  Cluster cluster = cluster_with(16, 28);
  cluster.gpu.rates.all_to_all_nic_efficiency = 43.2 / 50;
  EXPECT_NEAR(nic_rate(cluster, 141 / 43.2), 43.2, 1);
  cluster.comm_sms = 12;
  EXPECT_NEAR(nic_rate(cluster, 141 / 43.2), 43.2 * 12 / 16, 1);
}

// DeepEP issue 51: RDMA chunks of 4, 8, 12 and 16 tokens reach 25.7, 37.3, 40.9 and 43.2 GB/s of 43.2; issue 75: chunks
// of 4, 8, 12 and 28 reach 19.3, 31.8, 36.7 and 38.5 of 38.5.
TEST(AllToAll, SmallChunksCostTheNic) {
  const double whole = nic_rate(cluster_with(20, 28), 1.9);
  const auto share = [&](int tokens) { return nic_rate(cluster_with(20, tokens), 1.9) / whole; };
  EXPECT_NEAR(share(4), (25.7 / 43.2 + 19.3 / 38.5) / 2, 0.08);
  EXPECT_NEAR(share(8), (37.3 / 43.2 + 31.8 / 38.5) / 2, 0.05);
  EXPECT_NEAR(share(12), (40.9 / 43.2 + 36.7 / 38.5) / 2, 0.03);
}

// A short transfer in large chunks fills its pipeline late.
TEST(AllToAll, LargeChunksAreLate) {
  const AllToAll small = {10e6, 19e6, kToken};
  EXPECT_GT(all_to_all_payload_seconds(small, cluster_with(20, 256)),
            all_to_all_payload_seconds(small, cluster_with(20, 28)));
}

TEST(AllToAll, SmsCopyAsTheCurvesSay) {
  KernelRates rates;
  rates.all_to_all_sm_bytes_per_s = 10e9;
  EXPECT_DOUBLE_EQ(all_to_all_bytes_per_s(rates, 6, 28), 60e9);
  const auto curve = [](double small, double large) { return Curve::create("c", {{4, small}, {16, large}}).value(); };
  rates.all_to_all = {{4, curve(20e9, 40e9)}, {16, curve(30e9, 120e9)}};
  EXPECT_DOUBLE_EQ(all_to_all_bytes_per_s(rates, 4, 4), 20e9);
  EXPECT_DOUBLE_EQ(all_to_all_bytes_per_s(rates, 16, 16), 120e9);
  EXPECT_NEAR(all_to_all_bytes_per_s(rates, 8, 16), std::sqrt(40e9 * 120e9), 1);
  EXPECT_DOUBLE_EQ(all_to_all_bytes_per_s(rates, 2, 16), 20e9);    // as much per SM as of 4
  EXPECT_DOUBLE_EQ(all_to_all_bytes_per_s(rates, 40, 16), 120e9);  // no more than of 16
}

}  // namespace
}  // namespace pipeloom::sim
