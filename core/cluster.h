#pragma once

#include <cstdint>

#include "core/gpu.h"
#include "core/result.h"

namespace pipeloom {

struct Cluster {
  Gpu gpu;
  int nodes = 1;
  int gpus_per_node = 1;
  double nic_bytes_per_s = 0;  // of one GPU, between nodes, per direction
  int64_t nvlink_latency_ns = 2'000;
  int64_t nic_latency_ns = 5'000;
  int comm_sms = 20;           // SMs given to communication kernels while they overlap with compute
  int comm_chunk_tokens = 28;  // that an all-to-all sends at a time

  int gpus() const { return nodes * gpus_per_node; }
  bool operator==(const Cluster&) const = default;
};

// The same cluster if every field is sane, or an error that names field, value and what is allowed.
Result<Cluster> make_cluster(Cluster cluster);

}  // namespace pipeloom
