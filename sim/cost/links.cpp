#include "sim/cost/links.h"

#include <cmath>

#include "sim/cost/pass_time.h"

namespace pipeloom {

std::vector<LinkCost> pipeline_links(const Job& job, int ranks) {
  const Cluster& cluster = *job.cluster;
  const LinkCost nvlink = {cluster.nvlink_latency_ns, std::llround(cluster.gpu.nvlink_bytes_per_s)};
  const LinkCost nic = {cluster.nic_latency_ns, std::llround(cluster.nic_bytes_per_s * kNicEfficiency)};
  const int64_t replicas = job.layout.replicas();
  const auto node_of = [&](int rank) { return rank * replicas / cluster.gpus_per_node; };
  if (ranks == 1 || node_of(ranks - 1) == 0) return {nvlink};
  if (replicas >= cluster.gpus_per_node) return {nic};

  std::vector<LinkCost> links;
  links.reserve(static_cast<size_t>(ranks) * ranks);
  for (int source = 0; source < ranks; ++source) {
    for (int target = 0; target < ranks; ++target) {
      links.push_back(node_of(source) == node_of(target) ? nvlink : nic);
    }
  }
  return links;
}

int64_t hand_over_bytes(const Job& job) {
  return job.batch.tokens() * job.model->hidden * 2 / job.layout.tensor;
}

}  // namespace pipeloom
