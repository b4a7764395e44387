#include "sim/cost/pass_time.h"

#include <algorithm>
#include <cmath>

#include "sim/cost/groups.h"

namespace pipeloom {

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

ComputeTime compute_time(const PassWork& work, const Cluster& cluster, const Layout& layout, int sms) {
  const Gpu& gpu = cluster.gpu;
  const KernelRates& rates = gpu.rates;
  const double core_flops_per_s = gpu.bf16_flops * sms / gpu.sms;
  double kernels = work.core_forward_flops / (core_flops_per_s * rates.core_forward_efficiency) +
                   work.core_backward_flops / (core_flops_per_s * rates.core_backward_efficiency) +
                   work.memory_bytes / (gpu.memory_bytes_per_s * rates.memory_efficiency) +
                   work.kernels * rates.kernel_gap_us * 1e-6;
  for (const Product& product : work.products) kernels += product_seconds(product, gpu, sms);
  double transfers = ring_seconds(work.context_bytes, context_group(layout, cluster), cluster);
  if (work.all_reduces > 0) {
    transfers += work.all_reduces * all_reduce_seconds(work.all_reduce_bytes, tensor_group(layout, cluster), cluster);
  }
  // Launching the next kernels goes on while a transfer runs, but a collective starts when every GPU's host is there.
  return {kernels + transfers, work.kernels * rates.host_us_per_kernel * 1e-6 + transfers};
}

double all_to_all_seconds(const AllToAll& transfer, const Cluster& cluster) {
  if (transfer.nic_bytes == 0 && transfer.nvlink_bytes == 0) return 0;
  const KernelRates& rates = cluster.gpu.rates;
  const double over_nic =
      transfer.nic_bytes > 0 ? transfer.nic_bytes / (cluster.nic_bytes_per_s * rates.all_to_all_nic_efficiency) : 0;
  const double over_nvlink = transfer.nvlink_bytes > 0 ? transfer.nvlink_bytes / cluster.gpu.nvlink_bytes_per_s : 0;
  return rates.all_to_all_notify_us * 1e-6 + std::max(over_nic, over_nvlink);
}

}  // namespace pipeloom
