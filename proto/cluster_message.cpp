#include "proto/cluster_message.h"

#include "proto/gpu_files.h"
#include "proto/gpu_message.h"
#include "proto/job.pb.h"

namespace pipeloom {

namespace {

constexpr double kGbytes = 1e9;

}  // namespace

void store_cluster(const Cluster& cluster, proto::Cluster* message) {
  store_gpu(cluster.gpu, message->mutable_custom_gpu());
  message->set_nodes(cluster.nodes);
  message->set_gpus_per_node(cluster.gpus_per_node);
  message->set_nic_bytes_per_s(cluster.nic_bytes_per_s);
  message->set_nvlink_latency_ns(cluster.nvlink_latency_ns);
  message->set_nic_latency_ns(cluster.nic_latency_ns);
  message->set_comm_sms(cluster.comm_sms);
  message->set_comm_chunk_tokens(cluster.comm_chunk_tokens);
}

void shorten_cluster(const Cluster& cluster, proto::Cluster* message) {
  if (find_gpu(cluster.gpu.name) == cluster.gpu) message->set_gpu(cluster.gpu.name);
  const double nic_gbytes_per_s = cluster.nic_bytes_per_s / kGbytes;
  if (nic_gbytes_per_s * kGbytes == cluster.nic_bytes_per_s) message->set_nic_gbytes_per_s(nic_gbytes_per_s);
}

Result<Cluster> load_cluster(const proto::Cluster& message) {
  Cluster cluster;
  if (message.has_custom_gpu()) {
    PIPELOOM_TRY(cluster.gpu, load_gpu(message.custom_gpu()));
  } else {
    PIPELOOM_TRY(cluster.gpu, find_gpu(message.gpu()));
  }
  if (message.has_nodes()) cluster.nodes = message.nodes();
  if (message.has_gpus_per_node()) cluster.gpus_per_node = message.gpus_per_node();
  cluster.nic_bytes_per_s =
      message.has_nic_gbytes_per_s() ? message.nic_gbytes_per_s() * kGbytes : message.nic_bytes_per_s();
  if (message.has_nvlink_latency_ns()) cluster.nvlink_latency_ns = message.nvlink_latency_ns();
  if (message.has_nic_latency_ns()) cluster.nic_latency_ns = message.nic_latency_ns();
  if (message.has_comm_sms()) cluster.comm_sms = message.comm_sms();
  if (message.has_comm_chunk_tokens()) cluster.comm_chunk_tokens = message.comm_chunk_tokens();
  return make_cluster(std::move(cluster));
}

}  // namespace pipeloom
