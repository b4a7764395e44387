#pragma once

#include "core/cluster.h"

namespace pipeloom {

namespace proto {
class Cluster;
}

// With every figure of the GPU, so that the message stays true when Pipeloom's own table changes.
void store_cluster(const Cluster& cluster, proto::Cluster* message);

// Names the GPU and the NIC's rate as a person would, where that says the same.
void shorten_cluster(const Cluster& cluster, proto::Cluster* message);

Result<Cluster> load_cluster(const proto::Cluster& message);

}  // namespace pipeloom
