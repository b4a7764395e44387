#pragma once

#include <cstdint>

#include "core/job/cluster.h"
#include "core/job/layout.h"

namespace pipeloom::sim {

// GPUs that talk to each other, and how many of them share a node.
struct Group {
  int64_t members = 1;
  int64_t per_node = 1;

  bool operator==(const Group&) const = default;
};

// GPUs are numbered as the layout's gpu_order says and fill the nodes in that order.
Group tensor_group(const Layout& layout, const Cluster& cluster);
Group context_group(const Layout& layout, const Cluster& cluster);
Group expert_group(const Layout& layout, const Cluster& cluster);

// The GPUs that hold the same weights: of attention, router, dense MLP, embedding and head; and of one expert.
// `copies`: of a stage in one pipeline (two in DualPipe), on other pipeline ranks.
Group dense_replicas(const Layout& layout, const Cluster& cluster, int copies);
Group expert_replicas(const Layout& layout, const Cluster& cluster, int copies);

// The node of a pipeline rank's first GPU, and that GPU's place in it.
struct GpuPlace {
  int64_t node = 0;
  int64_t local_index = 0;
};
GpuPlace place_of_rank(const Layout& layout, const Cluster& cluster, int rank);

// Bytes per second that a ring moves through each GPU: over NVLink inside a node. Between nodes a ring enters and
// leaves a node through the NICs of all its members there (NIC i talks to NIC i of the next node), and crosses NVLink
// besides.
double ring_bytes_per_s(const Group& group, const Cluster& cluster);

// Seconds of one all-reduce of `bytes`; and of a ring that moves `bytes` through each GPU once, of a reduce-scatter or
// an all-gather.
double all_reduce_seconds(double bytes, const Group& group, const Cluster& cluster);
double ring_seconds(double bytes, const Group& group, const Cluster& cluster);

}  // namespace pipeloom::sim
