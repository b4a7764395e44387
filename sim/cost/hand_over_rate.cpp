#include "sim/cost/hand_over_rate.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/check.h"

namespace pipeloom::sim {

namespace {

int copying_sms(const Cluster& cluster) {
  return cluster.comm_sms > 0 ? cluster.comm_sms : cluster.gpu.sms;
}

double rate_of_curve(const HandOverCurve& curve, int64_t message_bytes) {
  std::vector<Curve::Point> points;
  for (const HandOverCurve::Point& point : curve.points) {
    points.push_back({static_cast<double>(point.message_bytes), point.bytes_per_s});
  }
  return Curve::create("cluster.gpu.rates.hand_over", std::move(points)).value().at(static_cast<double>(message_bytes));
}

}  // namespace

double hand_over_bytes_per_s(const Cluster& cluster, int64_t message_bytes) {
  PIPELOOM_THROW_UNLESS(cluster.shared_gpu && message_bytes > 0);
  const KernelRates& rates = cluster.gpu.rates;
  const double sms = copying_sms(cluster);
  if (rates.hand_over.empty()) return sms * rates.all_to_all_sm_bytes_per_s;
  std::vector<Curve::Point> points;
  for (const HandOverCurve& curve : rates.hand_over) {
    points.push_back({static_cast<double>(curve.sms), rate_of_curve(curve, message_bytes)});
  }
  const Curve::Point fewest = points.front();
  if (sms < fewest.x) return fewest.y * sms / fewest.x;
  return Curve::create("cluster.gpu.rates.hand_over", std::move(points)).value().at(sms);
}

HandOverCopy fastest_hand_over(const Cluster& cluster, int64_t message_bytes, int64_t token_bytes) {
  PIPELOOM_THROW_UNLESS(cluster.shared_gpu && message_bytes > 0);
  const std::vector<HandOverCurve>& curves = cluster.gpu.rates.hand_over;
  if (curves.empty()) return {CopyMethod::kStreaming, piece_of_tokens(cluster.comm_piece_tokens, token_bytes)};
  const HandOverCurve* curve = &curves.front();
  for (const HandOverCurve& one : curves) {
    if (one.sms <= copying_sms(cluster)) curve = &one;
  }
  const auto distance = [&](const HandOverCurve::Point& point) {
    return std::abs(std::log(static_cast<double>(point.message_bytes) / static_cast<double>(message_bytes)));
  };
  return std::ranges::min_element(curve->points, {}, distance)->how;
}

}  // namespace pipeloom::sim
