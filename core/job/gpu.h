#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/curve.h"
#include "core/base/result.h"
#include "core/job/hand_over_copy.h"

namespace pipeloom {

// How long an FP8 product takes, in waves of one tile of 128 x `tile_columns` per SM:
// slowdown * ceil(tiles / SMs) * (start_us + step_us * k / 128).
struct ProductWaves {
  double tile_columns = 128;
  double start_us = 0;
  double step_us = 0;
  double slowdown = 1;  // of the kernels that are used, against those that were measured

  bool operator==(const ProductWaves&) const = default;
};

// Seconds of an all-reduce against its bytes, measured on this many GPUs of a node.
struct AllReduceCurve {
  int members = 0;
  Curve seconds;

  bool operator==(const AllReduceCurve&) const = default;
};

// What so many SMs copy in an all-to-all, over all stages of the transfer: bytes/s against the tokens of a piece.
struct AllToAllCurve {
  int sms = 0;
  Curve bytes_per_s;

  bool operator==(const AllToAllCurve&) const = default;
};

// How many times longer kernels take while an all-to-all runs beside them, on top of the SMs that it holds.
struct Contention {
  double products_beside_dispatch = 1;
  double products_beside_combine = 1;
  double memory_beside_dispatch = 1;  // memory-bound kernels
  double memory_beside_combine = 1;

  bool operator==(const Contention&) const = default;
};

// What kernels reach of what a GPU's maker publishes, and what they cost besides. The defaults are Hopper's, with their
// sources in proto/gpus/h800.txtpb; each GPU's own are in its file there.
struct KernelRates {
  // 16-bit products: efficiency * side / (side + short_side) of the peak, where `side` is the shortest of m, n, k; or
  // measured, efficiency against that side.
  double product_efficiency = 0.62;
  double product_short_side = 200;
  Curve product_curve;
  ProductWaves fp8_products = {128, 2.150, 0.3786, 1.1};
  ProductWaves fp8_weight_gradients = {152, 4.540, 0.5372, 1.2};
  // The fused attention core (FlashAttention), of the 16-bit peak.
  double core_forward_efficiency = 0.585;
  double core_backward_efficiency = 0.548;
  double memory_efficiency = 0.867;     // of memory-bound kernels
  double kernel_gap_us = 3;             // between two kernels of a stream
  double host_us_per_kernel = 0;        // what the host takes to launch one; 0: it is always ahead
  double nic_efficiency = 0.9;          // of point-to-point transfers and rings
  double gradient_ring_efficiency = 1;  // of a gradient reduction, on top of its links'
  double all_reduce_hop_us = 20;        // latency of an all-reduce per doubling of its members
  std::vector<AllReduceCurve> all_reduce;
  double all_to_all_nic_efficiency = 0.8;
  double all_to_all_notify_us = 100;          // before the payload
  double all_to_all_sm_bytes_per_s = 20.3e9;  // that one SM copies, over all stages of the transfer; or measured:
  std::vector<AllToAllCurve> all_to_all;      // in ascending order of their SMs
  double all_to_all_piece_tokens = 4.2;       // a NIC reaches 1 - exp(-c / this) of its rate with pieces of c tokens
  Contention contention = {1.07, 1.03, 1.14, 1.09};
  // Measured: what SMs copy between ranks that share the GPU; in ascending order of their SMs.
  std::vector<HandOverCurve> hand_over;

  bool operator==(const KernelRates&) const = default;
};

// One kind of GPU: what its maker publishes, and what kernels reach of it. Rates are dense (no sparsity), per second,
// per direction.
struct Gpu {
  std::string name;  // "H800"
  int sms = 0;
  int64_t memory_bytes = 0;
  double bf16_flops = 0;  // and FP16
  double fp8_flops = 0;   // 0: no FP8
  double memory_bytes_per_s = 0;
  double nvlink_bytes_per_s = 0;  // reachable inside a node
  double host_bytes_per_s = 0;    // to and from the host's memory; 0: unknown, nothing can be offloaded
  KernelRates rates;

  bool operator==(const Gpu&) const = default;
};

// Whether every field is sane; the error names field, value and what is allowed. `has_neighbours`: whether there are
// other GPUs in the node, which need NVLink.
Status check_gpu(const Gpu& gpu, bool has_neighbours);

// What one of `parts` ranks that share `whole` has of it: SMs in eights, as Hopper divides them (fewer than eight: as
// many as there are), and that share of flops and memory bandwidth; memory and the host's link in equal parts.
// NVLink stays: it is not what ranks of one GPU talk over.
// REQUIRES: parts >= 1, no more than the GPU has SMs.
Gpu part_of(const Gpu& whole, int parts);

}  // namespace pipeloom
