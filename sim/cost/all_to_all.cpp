#include "sim/cost/all_to_all.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace pipeloom::sim {

namespace {

// The pieces with which the NIC's efficiency was measured: DeepEP's configuration for EP64 (buffer.py).
constexpr double kMeasuredPieceTokens = 28;
constexpr double kSmsPerChannel = 2;  // DeepSeek-V3, section 3.2.2: 20 SMs, 10 channels

// The share of its rate that a NIC reaches, against the measured one.
double piece_share(double tokens, const KernelRates& rates) {
  const auto reached = [&](double piece) { return 1 - std::exp(-piece / rates.all_to_all_piece_tokens); };
  return reached(tokens) / reached(kMeasuredPieceTokens);
}

// The last piece of every channel still passes the two later stages; in the measured rates it is included.
double late_seconds(double tokens, const AllToAll& transfer, const Cluster& cluster) {
  const double channels = std::max(1.0, cluster.comm_sms / kSmsPerChannel);
  const double more_bytes = 2 * channels * (tokens - kMeasuredPieceTokens) * transfer.token_bytes;
  return more_bytes / cluster.gpu.nvlink_bytes_per_s;
}

}  // namespace

double all_to_all_bytes_per_s(const KernelRates& rates, int sms, double piece_tokens) {
  if (rates.all_to_all.empty()) return sms * rates.all_to_all_sm_bytes_per_s;
  std::vector<Curve::Point> points;
  for (const AllToAllCurve& curve : rates.all_to_all) {
    points.push_back({static_cast<double>(curve.sms), curve.bytes_per_s.at(piece_tokens)});
  }
  const double first_sms = points.front().x;
  if (sms < first_sms) return points.front().y * sms / first_sms;
  return Curve::create("cluster.gpu.rates.all_to_all", std::move(points)).value().at(sms);
}

double all_to_all_payload_seconds(const AllToAll& transfer, const Cluster& cluster) {
  if (transfer.nic_bytes == 0 && transfer.nvlink_bytes == 0) return 0;
  const KernelRates& rates = cluster.gpu.rates;
  const double piece = cluster.comm_piece_tokens;
  double seconds = 0;
  if (transfer.nic_bytes > 0) {
    const double nic_bytes_per_s =
        cluster.nic_bytes_per_s * std::min(1.0, rates.all_to_all_nic_efficiency * piece_share(piece, rates));
    seconds = transfer.nic_bytes / nic_bytes_per_s;
  }
  if (transfer.nvlink_bytes > 0) {
    seconds = std::max(seconds, transfer.nvlink_bytes / cluster.gpu.nvlink_bytes_per_s);
  }
  if (cluster.comm_sms > 0) {
    const double copied_bytes = transfer.nic_bytes + 2 * transfer.nvlink_bytes;
    seconds = std::max(seconds, copied_bytes / all_to_all_bytes_per_s(rates, cluster.comm_sms, piece));
  }
  return std::max(seconds + late_seconds(piece, transfer, cluster), 0.0);
}

}  // namespace pipeloom::sim
