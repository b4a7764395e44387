#include "sim/cost/pass_time.h"

#include <algorithm>
#include <cmath>

#include "sim/cost/groups.h"

namespace pipeloom::sim {

namespace {

constexpr double kTileRows = 128;

double fp8_seconds(const Product& product, const Gpu& gpu, int sms) {
  const ProductWaves& waves = product.weight_gradient ? gpu.rates.fp8_weight_gradients : gpu.rates.fp8_products;
  const double tiles = product.groups * std::ceil(product.m / kTileRows) * std::ceil(product.n / waves.tile_columns);
  const double wave_us = waves.start_us + waves.step_us * product.k / 128;
  return std::ceil(tiles / sms) * wave_us * 1e-6 * waves.slowdown;
}

double bf16_seconds(const Product& product, const Gpu& gpu, int sms) {
  const KernelRates& rates = gpu.rates;
  const double side = std::min({product.m, product.n, product.k});
  const double efficiency = rates.product_curve.empty()
                                ? rates.product_efficiency * side / (side + rates.product_short_side)
                                : rates.product_curve.at(side);
  return product.flops() / (gpu.bf16_flops * sms / gpu.sms * efficiency);
}

}  // namespace

double product_seconds(const Product& product, const Gpu& gpu, int sms) {
  return product.fp8 ? fp8_seconds(product, gpu, sms) : bf16_seconds(product, gpu, sms);
}

ComputeTime compute_time(const PassWork& work, const Cluster& cluster, const Layout& layout,
                         const ComputeSetting& setting) {
  const Gpu& gpu = cluster.gpu;
  const KernelRates& rates = gpu.rates;
  const double core_flops_per_s = gpu.bf16_flops * setting.sms / gpu.sms;
  double products = work.core_forward_flops / (core_flops_per_s * rates.core_forward_efficiency) +
                    work.core_backward_flops / (core_flops_per_s * rates.core_backward_efficiency);
  for (const Product& product : work.products) products += product_seconds(product, gpu, setting.sms);
  const double memory_bound = work.memory_bytes / (gpu.memory_bytes_per_s * rates.memory_efficiency);
  const double kernels = products * setting.product_slowdown + memory_bound * setting.memory_slowdown +
                         work.kernels * rates.kernel_gap_us * 1e-6;
  double transfers = ring_seconds(work.context_bytes, context_group(layout, cluster), cluster);
  if (work.all_reduces > 0) {
    transfers += work.all_reduces * all_reduce_seconds(work.all_reduce_bytes, tensor_group(layout, cluster), cluster);
  }
  // Launching the next kernels goes on while a transfer runs, but a collective starts when every GPU's host is there.
  return {kernels + transfers, work.kernels * rates.host_us_per_kernel * 1e-6 + transfers};
}

double all_to_all_seconds(const AllToAll& transfer, const Cluster& cluster) {
  const double payload = all_to_all_payload_seconds(transfer, cluster);
  return payload > 0 ? cluster.gpu.rates.all_to_all_notify_us * 1e-6 + payload : 0;
}

}  // namespace pipeloom::sim
