#include "core/job/gpu.h"

#include <fmt/format.h>

#include "core/base/check.h"
#include "core/base/field_check.h"

namespace pipeloom {

namespace {

Status check_flops(const char* path, double value, bool may_be_zero) {
  if (may_be_zero && value == 0) return {};
  return check_field(path, value, 1e6, 1e21);
}

Status check_bandwidth(const char* path, double value, bool may_be_zero) {
  if (may_be_zero && value == 0) return {};
  return check_field(path, value, 1e6, 1e18);
}

Status check_waves(const char* path, const ProductWaves& waves) {
  PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("{}.tile_columns", path), waves.tile_columns, 1, 65'536));
  PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("{}.start_us", path), waves.start_us, 0, 1e6));
  PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("{}.step_us", path), waves.step_us, 1e-6, 1e6));
  return check_field(fmt::format("{}.slowdown", path), waves.slowdown, 0.01, 100);
}

Status check_rates(const KernelRates& rates) {
  const std::pair<const char*, double> efficiencies[] = {
      {"product_efficiency", rates.product_efficiency},
      {"core_forward_efficiency", rates.core_forward_efficiency},
      {"core_backward_efficiency", rates.core_backward_efficiency},
      {"memory_efficiency", rates.memory_efficiency},
      {"nic_efficiency", rates.nic_efficiency},
      {"gradient_ring_efficiency", rates.gradient_ring_efficiency},
      {"all_to_all_nic_efficiency", rates.all_to_all_nic_efficiency}};
  for (const auto& [name, value] : efficiencies) {
    PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("cluster.gpu.rates.{}", name), value, 0.001, 1));
  }
  const std::pair<const char*, double> times[] = {{"kernel_gap_us", rates.kernel_gap_us},
                                                  {"host_us_per_kernel", rates.host_us_per_kernel},
                                                  {"all_reduce_hop_us", rates.all_reduce_hop_us},
                                                  {"all_to_all_notify_us", rates.all_to_all_notify_us}};
  for (const auto& [name, value] : times) {
    PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("cluster.gpu.rates.{}", name), value, 0, 1e6));
  }
  const std::pair<const char*, double> slowdowns[] = {
      {"products_beside_dispatch", rates.contention.products_beside_dispatch},
      {"products_beside_combine", rates.contention.products_beside_combine},
      {"memory_beside_dispatch", rates.contention.memory_beside_dispatch},
      {"memory_beside_combine", rates.contention.memory_beside_combine}};
  for (const auto& [name, value] : slowdowns) {
    PIPELOOM_RETURN_IF_ERROR(check_field(fmt::format("cluster.gpu.rates.contention.{}", name), value, 1, 100));
  }
  PIPELOOM_RETURN_IF_ERROR(
      check_field("cluster.gpu.rates.all_to_all_sm_bytes_per_s", rates.all_to_all_sm_bytes_per_s, 1e6, 1e15));
  PIPELOOM_RETURN_IF_ERROR(
      check_field("cluster.gpu.rates.all_to_all_piece_tokens", rates.all_to_all_piece_tokens, 0.01, 1e6));
  PIPELOOM_RETURN_IF_ERROR(check_field("cluster.gpu.rates.product_short_side", rates.product_short_side, 0, 1e6));
  PIPELOOM_RETURN_IF_ERROR(check_waves("cluster.gpu.rates.fp8_products", rates.fp8_products));
  PIPELOOM_RETURN_IF_ERROR(check_waves("cluster.gpu.rates.fp8_weight_gradients", rates.fp8_weight_gradients));
  for (const AllReduceCurve& curve : rates.all_reduce) {
    PIPELOOM_RETURN_IF_ERROR(check_field("cluster.gpu.rates.all_reduce.members", int64_t{curve.members}, 2, 1'024));
    if (curve.seconds.empty())
      return invalid("cluster.gpu.rates.all_reduce.seconds is empty; allowed are 1 point and more");
  }
  int64_t before = 0;
  for (const AllToAllCurve& curve : rates.all_to_all) {
    PIPELOOM_RETURN_IF_ERROR(check_field("cluster.gpu.rates.all_to_all.sms", int64_t{curve.sms}, before + 1, 10'000));
    if (curve.bytes_per_s.empty()) {
      return invalid("cluster.gpu.rates.all_to_all.bytes_per_s_of_piece is empty; allowed are 1 point and more");
    }
    before = curve.sms;
  }
  return check_hand_over_curves("cluster.gpu.rates.hand_over", rates.hand_over);
}

}  // namespace

Status check_gpu(const Gpu& gpu, bool has_neighbours) {
  if (gpu.name.empty()) return invalid("cluster.gpu.name is empty; allowed is any other text");
  PIPELOOM_RETURN_IF_ERROR(check_field("cluster.gpu.sms", int64_t{gpu.sms}, 1, 10'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("cluster.gpu.memory_bytes", gpu.memory_bytes, 1'000'000, 1'000'000'000'000'000));
  PIPELOOM_RETURN_IF_ERROR(check_flops("cluster.gpu.bf16_flops", gpu.bf16_flops, false));
  PIPELOOM_RETURN_IF_ERROR(check_flops("cluster.gpu.fp8_flops", gpu.fp8_flops, true));
  PIPELOOM_RETURN_IF_ERROR(check_bandwidth("cluster.gpu.memory_bytes_per_s", gpu.memory_bytes_per_s, false));
  PIPELOOM_RETURN_IF_ERROR(check_bandwidth("cluster.gpu.nvlink_bytes_per_s", gpu.nvlink_bytes_per_s, !has_neighbours));
  PIPELOOM_RETURN_IF_ERROR(check_bandwidth("cluster.gpu.host_bytes_per_s", gpu.host_bytes_per_s, true));
  return check_rates(gpu.rates);
}

Gpu part_of(const Gpu& whole, int parts) {
  constexpr int kUnit = 8;
  PIPELOOM_THROW_UNLESS(parts >= 1 && parts <= whole.sms);
  if (parts == 1) return whole;
  Gpu part = whole;
  part.name = fmt::format("1/{} of {}", parts, whole.name);
  const int equal = whole.sms / parts;
  part.sms = equal < kUnit ? equal : equal / kUnit * kUnit;
  const double share = static_cast<double>(part.sms) / whole.sms;
  part.bf16_flops *= share;
  part.fp8_flops *= share;
  part.memory_bytes_per_s *= share;
  part.memory_bytes /= parts;
  part.host_bytes_per_s /= parts;
  return part;
}

}  // namespace pipeloom
