#include "sim/cost/pipeline_links.h"

#include <algorithm>
#include <cmath>

#include "sim/cost/groups.h"
#include "sim/cost/hand_over_rate.h"

namespace pipeloom::sim {

// NIC i of a node talks to NIC i of another (rails): to a GPU elsewhere in its node a message crosses NVLink besides.
std::vector<LinkCost> pipeline_links(const Job& job, int ranks) {
  const Cluster& cluster = *job.cluster;
  if (cluster.shared_gpu) {
    const double rate = hand_over_bytes_per_s(cluster, hand_over_bytes(job));
    return {{cluster.nvlink_latency_ns, std::llround(rate)}};
  }
  const double nic_bytes_per_s = cluster.nic_bytes_per_s * cluster.gpu.rates.nic_efficiency;
  const LinkCost nvlink = {cluster.nvlink_latency_ns, std::llround(cluster.gpu.nvlink_bytes_per_s)};
  const LinkCost rail = {cluster.nic_latency_ns, std::llround(nic_bytes_per_s)};
  const LinkCost across_rails = {cluster.nic_latency_ns + cluster.nvlink_latency_ns,
                                 std::llround(std::min(nic_bytes_per_s, cluster.gpu.nvlink_bytes_per_s))};
  std::vector<LinkCost> links;
  links.reserve(static_cast<size_t>(ranks) * ranks);
  for (int source = 0; source < ranks; ++source) {
    const GpuPlace from = place_of_rank(job.layout, cluster, source);
    for (int target = 0; target < ranks; ++target) {
      const GpuPlace to = place_of_rank(job.layout, cluster, target);
      const bool same_rail = from.local_index == to.local_index;
      links.push_back(from.node == to.node ? nvlink : same_rail ? rail : across_rails);
    }
  }
  // One entry for all where they are alike, a rank's link to itself apart: it is never used.
  const LinkCost& first = links[links.size() > 1 ? 1 : 0];
  const auto alike = [&](int source, int target) {
    return source == target || links[source * ranks + target] == first;
  };
  for (int source = 0; source < ranks; ++source) {
    for (int target = 0; target < ranks; ++target) {
      if (!alike(source, target)) return links;
    }
  }
  return {first};
}

// Without sequence parallelism every tensor-parallel GPU sends the whole.
int64_t hand_over_bytes(const Job& job) {
  const int64_t shares = int64_t{job.layout.context} * (job.layout.sequence_parallel ? job.layout.tensor : 1);
  return job.batch.tokens() * job.model->hidden * 2 / shares;
}

}  // namespace pipeloom::sim
