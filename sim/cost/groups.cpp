#include "sim/cost/groups.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace pipeloom::sim {

namespace {

// Of `size` GPUs that lie `stride` apart, how many a node holds.
int64_t in_node(int64_t stride, int64_t size, const Cluster& cluster) {
  return std::clamp<int64_t>(cluster.gpus_per_domain() / stride, 1, size);
}

int64_t stride_of(const Layout& layout, Dimension wanted) {
  int64_t stride = 1;
  for (const Dimension dimension : layout.gpu_order) {
    if (dimension == wanted) break;
    stride *= layout.size(dimension);
  }
  return stride;
}

Group along(const Layout& layout, const Cluster& cluster, std::initializer_list<Dimension> dimensions) {
  Group group;
  for (const Dimension dimension : dimensions) {
    group.members *= layout.size(dimension);
    group.per_node *= in_node(stride_of(layout, dimension), layout.size(dimension), cluster);
  }
  return group;
}

// Copies of a stage lie on other pipeline ranks.
Group with_copies(Group group, const Layout& layout, const Cluster& cluster, int copies) {
  const int64_t ranks_in_node = in_node(stride_of(layout, Dimension::kPipeline), layout.pipeline, cluster);
  group.members *= copies;
  if (ranks_in_node == layout.pipeline) group.per_node *= copies;
  return group;
}

}  // namespace

Group tensor_group(const Layout& layout, const Cluster& cluster) {
  return along(layout, cluster, {Dimension::kTensor});
}

Group context_group(const Layout& layout, const Cluster& cluster) {
  return along(layout, cluster, {Dimension::kContext});
}

Group expert_group(const Layout& layout, const Cluster& cluster) {
  Group group = {layout.expert, 1};
  int64_t left = layout.expert;
  for (const Dimension dimension : layout.gpu_order) {
    if (dimension == Dimension::kPipeline) continue;
    const int64_t taken = std::min<int64_t>(left, layout.size(dimension));
    group.per_node *= in_node(stride_of(layout, dimension), taken, cluster);
    left = (left + taken - 1) / taken;
  }
  return group;
}

Group dense_replicas(const Layout& layout, const Cluster& cluster, int copies) {
  return with_copies(along(layout, cluster, {Dimension::kContext, Dimension::kData}), layout, cluster, copies);
}

Group expert_replicas(const Layout& layout, const Cluster& cluster, int copies) {
  const Group all = along(layout, cluster, {Dimension::kTensor, Dimension::kContext, Dimension::kData});
  const Group experts = expert_group(layout, cluster);
  const Group group = {all.members / experts.members, std::max<int64_t>(1, all.per_node / experts.per_node)};
  return with_copies(group, layout, cluster, copies);
}

GpuPlace place_of_rank(const Layout& layout, const Cluster& cluster, int rank) {
  const int64_t gpu = rank * stride_of(layout, Dimension::kPipeline);
  return {gpu / cluster.gpus_per_domain(), gpu % cluster.gpus_per_domain()};
}

double ring_bytes_per_s(const Group& group, const Cluster& cluster) {
  if (group.members <= group.per_node) return cluster.gpu.nvlink_bytes_per_s;
  const double over_nics =
      static_cast<double>(group.per_node) * cluster.nic_bytes_per_s * cluster.gpu.rates.nic_efficiency;
  return group.per_node == 1 ? over_nics : std::min(cluster.gpu.nvlink_bytes_per_s, over_nics);
}

double ring_seconds(double bytes, const Group& group, const Cluster& cluster) {
  if (group.members <= 1 || bytes == 0) return 0;  // alone: its links may have no rate
  const auto members = static_cast<double>(group.members);
  return bytes * (members - 1) / members / ring_bytes_per_s(group, cluster);
}

// Measured where it was; else a ring, where every byte passes twice, and a latency per doubling of the members.
double all_reduce_seconds(double bytes, const Group& group, const Cluster& cluster) {
  if (group.members <= 1) return 0;
  const KernelRates& rates = cluster.gpu.rates;
  for (const AllReduceCurve& measured : rates.all_reduce) {
    if (measured.members != group.members || group.members > group.per_node) continue;
    const double beyond = bytes / measured.seconds.points().back().x;  // where its rate stays
    return measured.seconds.at(bytes) * std::max(1.0, beyond);
  }
  return rates.all_reduce_hop_us * 1e-6 * std::log2(group.members) + 2 * ring_seconds(bytes, group, cluster);
}

}  // namespace pipeloom::sim
