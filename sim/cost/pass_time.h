#pragma once

#include "core/job/cluster.h"
#include "core/job/layout.h"
#include "sim/cost/all_to_all.h"
#include "sim/cost/pass_work.h"

namespace pipeloom::sim {

// Seconds of one product on `sms` of the GPU's SMs.
double product_seconds(const Product& product, const Gpu& gpu, int sms);

// Where a kernel runs: how many SMs it has, and how many times longer it takes than there alone.
struct ComputeSetting {
  int sms = 0;
  double product_slowdown = 1;
  double memory_slowdown = 1;  // of memory-bound kernels
};

// What a pass of a component takes, apart from its all-to-all.
struct ComputeTime {
  double seconds = 0;       // kernels and all-reduces, with the gaps between them
  double host_seconds = 0;  // that the host takes to launch them
};
ComputeTime compute_time(const PassWork& work, const Cluster& cluster, const Layout& layout,
                         const ComputeSetting& setting);

// Seconds of the pass's all-to-all with its notification; 0 where it has none.
double all_to_all_seconds(const AllToAll& transfer, const Cluster& cluster);

}  // namespace pipeloom::sim
