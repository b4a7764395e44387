#pragma once

#include "core/cluster.h"
#include "sim/cost/work.h"

namespace pipeloom {

// The share of a NIC's rate that point-to-point transfers and rings reach: 45 of 50 GB/s (docs/costs.md, section 7).
inline constexpr double kNicEfficiency = 0.9;
// The share of HBM's rate that memory-bound kernels reach: a device copy moves 2903 of 3350 GB/s on H100
// (aigatech/vpbenchmarking).
inline constexpr double kHbmEfficiency = 0.867;

// Seconds of one product on `sms` of the GPU's SMs.
double product_seconds(const Product& product, const Gpu& gpu, int sms);

// Seconds of everything in the pass but its all-to-all, on `sms` SMs. `tensor`: GPUs that its all-reduces join.
double compute_seconds(const PassWork& work, const Cluster& cluster, int sms, int tensor);

// Seconds of the pass's all-to-all; 0 where it has none.
double all_to_all_seconds(const AllToAll& transfer, const Cluster& cluster);

// Seconds of one all-reduce of `bytes` over `members` consecutive GPUs.
double all_reduce_seconds(double bytes, int members, const Cluster& cluster);

}  // namespace pipeloom
