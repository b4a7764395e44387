#include "core/cluster.h"

#include <fmt/format.h>

#include "core/field_check.h"

namespace pipeloom {

Result<Cluster> make_cluster(Cluster cluster) {
  constexpr int64_t kMaxGpus = 10'000'000;
  PIPELOOM_CHECK_OK(check_field("cluster.nodes", int64_t{cluster.nodes}, 1, 1'000'000));
  PIPELOOM_CHECK_OK(check_field("cluster.gpus_per_node", int64_t{cluster.gpus_per_node}, 1, 1'024));
  const int64_t gpus = int64_t{cluster.nodes} * cluster.gpus_per_node;
  if (gpus > kMaxGpus) {
    return invalid(fmt::format("cluster.nodes is {}; with cluster.gpus_per_node = {} at most {} GPUs are allowed",
                               cluster.nodes, cluster.gpus_per_node, kMaxGpus));
  }
  PIPELOOM_CHECK_OK(check_gpu(cluster.gpu, cluster.gpus_per_node > 1));
  if (cluster.nodes > 1 || cluster.nic_bytes_per_s != 0) {
    PIPELOOM_CHECK_OK(check_field("cluster.nic_bytes_per_s", cluster.nic_bytes_per_s, 1e6, 1e18));
  }
  PIPELOOM_CHECK_OK(check_field("cluster.nvlink_latency_ns", cluster.nvlink_latency_ns, 0, 1'000'000'000));
  PIPELOOM_CHECK_OK(check_field("cluster.nic_latency_ns", cluster.nic_latency_ns, 0, 1'000'000'000));
  PIPELOOM_CHECK_OK(check_field("cluster.comm_sms", int64_t{cluster.comm_sms}, 0, cluster.gpu.sms - 1));
  PIPELOOM_CHECK_OK(check_field("cluster.comm_chunk_tokens", int64_t{cluster.comm_chunk_tokens}, 1, 1'000'000));
  return cluster;
}

}  // namespace pipeloom
