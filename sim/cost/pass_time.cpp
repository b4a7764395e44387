#include "sim/cost/pass_time.h"

#include <algorithm>
#include <cmath>

namespace pipeloom {

namespace {

// FP8 products run in waves of one 128-row tile per SM: ceil(tiles / SMs) * (a + b * k / 128). a and b are least
// squares over the tables in DeepGEMM's first README (a6d97a1) and its PR 95 (weight gradients), measured on H800; they
// reproduce them within 2.2 % and 5.5 % (docs/costs.md, section 3).
struct Waves {
  double columns;   // of one tile
  double start_us;  // a
  double step_us;   // b
  // CUTLASS kernels, as DeepSeek-V3 was trained with, take longer than DeepGEMM's: 1.0 to 1.2 times in the README (the
  // middle is used), 1.2 times in PR 95.
  double slower;
};
constexpr Waves kForwardWaves = {128, 2.150, 0.3786, 1.1};
constexpr Waves kWeightWaves = {152, 4.540, 0.5372, 1.2};
constexpr double kTileRows = 128;
constexpr double kMeasuredFlopsPerSm = 1978.9e12 / 132;  // H800

double fp8_seconds(const Product& product, const Gpu& gpu, int sms) {
  const Waves& waves = product.weight_gradient ? kWeightWaves : kForwardWaves;
  const double tiles = product.groups * std::ceil(product.m / kTileRows) * std::ceil(product.n / waves.columns);
  const double wave_us = waves.start_us + waves.step_us * product.k / 128;
  const double gpu_scale = kMeasuredFlopsPerSm / (gpu.fp8_flops / gpu.sms);
  return std::ceil(tiles / sms) * wave_us * 1e-6 * waves.slower * gpu_scale;
}

// BF16 products reach about 600 of 989 TFLOPS on Hopper (power-limited; docs/costs.md, section 2, inferred), less
// where the smallest side is short: s / (s + 200) fits published A100 iterations (section 8).
constexpr double kBf16Efficiency = 0.62;
constexpr double kShortSide = 200;

double bf16_seconds(const Product& product, const Gpu& gpu, int sms) {
  const double side = std::min({product.m, product.n, product.k});
  const double rate = gpu.bf16_flops * sms / gpu.sms * kBf16Efficiency * side / (side + kShortSide);
  return product.flops() / rate;
}

// FlashAttention-3 (arXiv 2407.08608), figures 5 and 6: H100, causal, head dimension 128, 4k tokens: 579 and 542 TFLOPS
// of 989.4.
constexpr double kCoreForwardEfficiency = 579 / 989.4;
constexpr double kCoreBackwardEfficiency = 542 / 989.4;

// Gap before a kernel and least run time of one (docs/costs.md, section 2, inferred).
constexpr double kKernelSeconds = 3e-6;

// All-to-all at EP64 moves 46 (dispatch) and 45 GB/s (combine) of logical bytes, of which 7/8 leave the node, on 50
// GB/s (DeepEP README, first release, 2025-02-25, the time of the measured chunk; later releases publish 51 and 50).
constexpr double kAllToAllNicEfficiency = 0.8;

// Notification before an all-to-all over four nodes takes about 0.1 ms (DeepEP issue 397).
constexpr double kNotifySeconds = 100e-6;

}  // namespace

double product_seconds(const Product& product, const Gpu& gpu, int sms) {
  return product.fp8 ? fp8_seconds(product, gpu, sms) : bf16_seconds(product, gpu, sms);
}

double compute_seconds(const PassWork& work, const Cluster& cluster, int sms, int tensor) {
  const Gpu& gpu = cluster.gpu;
  const double core_flops_per_s = gpu.bf16_flops * sms / gpu.sms;
  double seconds = work.core_forward_flops / (core_flops_per_s * kCoreForwardEfficiency) +
                   work.core_backward_flops / (core_flops_per_s * kCoreBackwardEfficiency) +
                   work.memory_bytes / (gpu.memory_bytes_per_s * kHbmEfficiency) + work.kernels * kKernelSeconds;
  for (const Product& product : work.products) seconds += product_seconds(product, gpu, sms);
  if (work.all_reduces > 0) seconds += work.all_reduces * all_reduce_seconds(work.all_reduce_bytes, tensor, cluster);
  return seconds;
}

double all_to_all_seconds(const AllToAll& transfer, const Cluster& cluster) {
  if (transfer.nic_bytes == 0 && transfer.nvlink_bytes == 0) return 0;
  const double over_nic =
      transfer.nic_bytes > 0 ? transfer.nic_bytes / (cluster.nic_bytes_per_s * kAllToAllNicEfficiency) : 0;
  const double over_nvlink = transfer.nvlink_bytes > 0 ? transfer.nvlink_bytes / cluster.gpu.nvlink_bytes_per_s : 0;
  return kNotifySeconds + std::max(over_nic, over_nvlink);
}

// Ring: 2 (n-1)/n of the bytes leave each GPU; 20 us per doubling of the members fits NCCL's tables on A100 (vTrain,
// MICRO'24; docs/costs.md, section 8).
double all_reduce_seconds(double bytes, int members, const Cluster& cluster) {
  if (members <= 1) return 0;
  const double rate =
      members <= cluster.gpus_per_node ? cluster.gpu.nvlink_bytes_per_s : cluster.nic_bytes_per_s * kNicEfficiency;
  return 20e-6 * std::log2(members) + 2.0 * (members - 1) / members * bytes / rate;
}

}  // namespace pipeloom
