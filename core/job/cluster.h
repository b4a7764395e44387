#pragma once

#include <cstdint>
#include <optional>

#include "core/base/result.h"
#include "core/job/gpu.h"

namespace pipeloom {

struct Cluster {
  Gpu gpu;
  int nodes = 1;
  int gpus_per_node = 1;
  double nic_bytes_per_s = 0;  // of one GPU, between nodes, per direction
  int64_t nvlink_latency_ns = 2'000;
  int64_t nic_latency_ns = 5'000;
  int comm_sms = 20;           // SMs given to communication kernels while they overlap with compute
  int comm_piece_tokens = 28;  // that an all-to-all sends at a time
  // The GPU that all gpus_per_node ranks of the one node share: `gpu` is then a rank's part of it (make_cluster), whose
  // SMs are divided into comm_sms and the rest once for all.
  std::optional<Gpu> shared_gpu = {};
  std::optional<HandOverCopy> hand_over = {};  // between ranks of a shared GPU; none: the planner's choice

  // GPUs that NVLink joins, with several nodes: 72 in an NVL72; 0: those of a node.
  int nvlink_domain = 0;
  int domain_gpus = 0;  // that the job takes of each domain; 0: the largest power of two (64 of 72)

  int gpus() const { return nodes * gpus_per_node; }
  // GPUs of the job that NVLink joins: those of a domain that it takes.
  int gpus_per_domain() const;
  // Of a pass that nothing runs beside.
  int compute_sms() const { return shared_gpu ? gpu.sms - comm_sms : gpu.sms; }
  bool operator==(const Cluster&) const = default;
};

// The same cluster if every field is sane, with a rank's part of a shared GPU as `gpu`; or an error that names field,
// value and what is allowed.
Result<Cluster> make_cluster(Cluster cluster);

}  // namespace pipeloom
