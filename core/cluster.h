#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace pipeloom {

// One kind of GPU: what its maker publishes. Rates are dense (no sparsity), per second, per direction.
struct Gpu {
  std::string name;  // "H800"
  int sms = 0;
  int64_t memory_bytes = 0;
  double bf16_flops = 0;
  double fp8_flops = 0;  // 0: no FP8
  double memory_bytes_per_s = 0;
  double nvlink_bytes_per_s = 0;  // reachable inside a node

  bool operator==(const Gpu&) const = default;
};

struct Cluster {
  Gpu gpu;
  int nodes = 1;
  int gpus_per_node = 1;
  double nic_bytes_per_s = 0;  // of one GPU, between nodes, per direction
  int64_t nvlink_latency_ns = 2'000;
  int64_t nic_latency_ns = 5'000;
  int comm_sms = 20;  // SMs given to communication kernels while they overlap with compute

  int gpus() const { return nodes * gpus_per_node; }
  bool operator==(const Cluster&) const = default;
};

// The same cluster if every field is sane, or an error that names field, value and what is allowed.
Result<Cluster> make_cluster(Cluster cluster);

// GPUs that Pipeloom knows by name ("A100-80GB", "H100", "H800", ...). An unknown name's error lists them.
Result<Gpu> find_gpu(const std::string& name);
std::vector<Gpu> known_gpus();

}  // namespace pipeloom
