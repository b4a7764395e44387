#include "core/job/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/base/field_check.h"

namespace pipeloom {

namespace {

Status check_shared(const Cluster& cluster) {
  if (cluster.nodes != 1) {
    return invalid(fmt::format("cluster.nodes is {}; with cluster.shared_gpu 1 is allowed", cluster.nodes));
  }
  PIPELOOM_RETURN_IF_ERROR(check_gpu(*cluster.shared_gpu, false));
  if (cluster.gpus_per_node <= cluster.shared_gpu->sms) return {};
  return invalid(fmt::format("cluster.gpus_per_node is {}; the SMs of the shared GPU allow 1 to {}",
                             cluster.gpus_per_node, cluster.shared_gpu->sms));
}

Status check_hand_over_of(const Cluster& cluster) {
  if (!cluster.hand_over) return {};
  if (!cluster.shared_gpu) return invalid("cluster.hand_over is given; allowed only with cluster.shared_gpu");
  return check_hand_over("cluster.hand_over", *cluster.hand_over);
}

Status check_domain(const Cluster& cluster) {
  if (cluster.nvlink_domain == 0) {
    if (cluster.domain_gpus == 0) return {};
    return invalid(fmt::format("cluster.domain_gpus is {}; it needs cluster.nvlink_domain", cluster.domain_gpus));
  }
  PIPELOOM_RETURN_IF_ERROR(
      check_field("cluster.nvlink_domain", int64_t{cluster.nvlink_domain}, cluster.gpus_per_node, 100'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("cluster.domain_gpus", int64_t{cluster.domain_gpus}, 0, cluster.nvlink_domain));
  if (cluster.gpus_per_domain() % cluster.gpus_per_node == 0) return {};
  return invalid(fmt::format("cluster.domain_gpus is {}; it must be a multiple of cluster.gpus_per_node ({})",
                             cluster.gpus_per_domain(), cluster.gpus_per_node));
}

}  // namespace

int Cluster::gpus_per_domain() const {
  if (nvlink_domain == 0) return gpus_per_node;
  const int taken =
      domain_gpus > 0 ? domain_gpus : static_cast<int>(std::bit_floor(static_cast<unsigned>(nvlink_domain)));
  return std::min(std::max(taken, gpus_per_node), gpus());
}

Result<Cluster> make_cluster(Cluster cluster) {
  constexpr int64_t kMaxGpus = 10'000'000;
  PIPELOOM_RETURN_IF_ERROR(check_field("cluster.nodes", int64_t{cluster.nodes}, 1, 1'000'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("cluster.gpus_per_node", int64_t{cluster.gpus_per_node}, 1, 1'024));
  const int64_t gpus = int64_t{cluster.nodes} * cluster.gpus_per_node;
  if (gpus > kMaxGpus) {
    return invalid(fmt::format("cluster.nodes is {}; with cluster.gpus_per_node = {} at most {} GPUs are allowed",
                               cluster.nodes, cluster.gpus_per_node, kMaxGpus));
  }
  if (cluster.shared_gpu) {
    PIPELOOM_RETURN_IF_ERROR(check_shared(cluster));
    cluster.gpu = part_of(*cluster.shared_gpu, cluster.gpus_per_node);
  }
  PIPELOOM_RETURN_IF_ERROR(check_gpu(cluster.gpu, cluster.gpus_per_node > 1 && !cluster.shared_gpu));
  if (cluster.nodes > 1 || cluster.nic_bytes_per_s != 0) {
    PIPELOOM_RETURN_IF_ERROR(check_field("cluster.nic_bytes_per_s", cluster.nic_bytes_per_s, 1e6, 1e18));
  }
  PIPELOOM_RETURN_IF_ERROR(check_field("cluster.nvlink_latency_ns", cluster.nvlink_latency_ns, 0, 1'000'000'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("cluster.nic_latency_ns", cluster.nic_latency_ns, 0, 1'000'000'000));
  PIPELOOM_RETURN_IF_ERROR(check_field("cluster.comm_sms", int64_t{cluster.comm_sms}, 0, cluster.gpu.sms - 1));
  PIPELOOM_RETURN_IF_ERROR(check_field("cluster.comm_piece_tokens", int64_t{cluster.comm_piece_tokens}, 1, 1'000'000));
  PIPELOOM_RETURN_IF_ERROR(check_hand_over_of(cluster));
  PIPELOOM_RETURN_IF_ERROR(check_domain(cluster));
  return cluster;
}

}  // namespace pipeloom
