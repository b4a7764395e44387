#pragma once

#include "core/cluster.h"
#include "core/layout.h"
#include "sim/cost/work.h"

namespace pipeloom {

// Seconds of one product on `sms` of the GPU's SMs.
double product_seconds(const Product& product, const Gpu& gpu, int sms);

// What a pass of a component takes on `sms` SMs, apart from its all-to-all.
struct ComputeTime {
  double seconds = 0;       // kernels and all-reduces, with the gaps between them
  double host_seconds = 0;  // that the host takes to launch them
};
ComputeTime compute_time(const PassWork& work, const Cluster& cluster, const Layout& layout, int sms);

// Seconds of the pass's all-to-all; 0 where it has none.
double all_to_all_seconds(const AllToAll& transfer, const Cluster& cluster);

}  // namespace pipeloom
