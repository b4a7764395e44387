#pragma once

#include "core/job/model.h"
#include "sim/cost/groups.h"

namespace pipeloom::sim {

// Distinct bins that `draws` different balls hit, on average, where `bins` bins hold `per_bin` balls each.
double expected_distinct(double bins, double per_bin, int draws);

// How the experts of a layer lie in an expert-parallel group, and where a token's copies go on average, its own GPU and
// node included. Routers are taken as balanced.
struct Routing {
  int gpus = 1;   // of the expert-parallel group
  int nodes = 1;  // that the group fills
  double nodes_per_token = 1;
  double gpus_per_token = 1;

  // Of what a GPU sends, the share that goes to other nodes and, inside a node, to other GPUs.
  double off_node_share() const { return (nodes - 1.0) / nodes; }
  double off_gpu_share() const {
    const double gpus_in_node = static_cast<double>(gpus) / nodes;
    return (gpus_in_node - 1.0) / gpus_in_node;
  }
};

Routing make_routing(const MoeShape& moe, const Group& experts);

}  // namespace pipeloom::sim
