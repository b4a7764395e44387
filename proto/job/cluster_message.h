#pragma once

#include "core/job/cluster.h"

namespace pipeloom::message {

class Cluster;

}  // namespace pipeloom::message

namespace pipeloom::proto {

// With every figure of the GPU, so that the message stays true when Pipeloom's own table changes.
void store_cluster(const Cluster& cluster, message::Cluster* message);

// Names the GPU and the NIC's rate as a person would, where that says the same.
void shorten_cluster(const Cluster& cluster, message::Cluster* message);

Result<Cluster> load_cluster(const message::Cluster& message);

}  // namespace pipeloom::proto
