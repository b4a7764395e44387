#include "proto/job/cluster_message.h"

#include "proto/job/gpu_files.h"
#include "proto/job/gpu_message.h"
#include "proto/job/hand_over_message.h"
#include "proto/job/job.pb.h"

namespace pipeloom::proto {

namespace {

constexpr double kGbytes = 1e9;

// As a job says it.
const Gpu& given_gpu(const Cluster& cluster) {
  return cluster.shared_gpu ? *cluster.shared_gpu : cluster.gpu;
}

// A quarter of a rank's SMs, in fours: 4 ranks of an H100 get 24 + 8, 8 ranks 12 + 4.
int comm_sms_of_part(const Cluster& cluster) {
  return part_of(*cluster.shared_gpu, cluster.gpus_per_node).sms / 16 * 4;
}

}  // namespace

void store_cluster(const Cluster& cluster, message::Cluster* message) {
  store_gpu(given_gpu(cluster), message->mutable_custom_gpu());
  if (cluster.shared_gpu) message->set_shared_gpu(true);
  if (cluster.hand_over) store_hand_over(*cluster.hand_over, message->mutable_hand_over());
  message->set_nodes(cluster.nodes);
  message->set_gpus_per_node(cluster.gpus_per_node);
  message->set_nic_bytes_per_s(cluster.nic_bytes_per_s);
  message->set_nvlink_latency_ns(cluster.nvlink_latency_ns);
  message->set_nic_latency_ns(cluster.nic_latency_ns);
  message->set_comm_sms(cluster.comm_sms);
  message->set_comm_piece_tokens(cluster.comm_piece_tokens);
  message->set_nvlink_domain(cluster.nvlink_domain);
  message->set_domain_gpus(cluster.domain_gpus);
}

void shorten_cluster(const Cluster& cluster, message::Cluster* message) {
  const Gpu& gpu = given_gpu(cluster);
  if (find_gpu(gpu.name) == gpu) message->set_gpu(gpu.name);
  const double nic_gbytes_per_s = cluster.nic_bytes_per_s / kGbytes;
  if (nic_gbytes_per_s * kGbytes == cluster.nic_bytes_per_s) message->set_nic_gbytes_per_s(nic_gbytes_per_s);
}

Result<Cluster> load_cluster(const message::Cluster& message) {
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
  if (message.shared_gpu()) {
    cluster.shared_gpu = cluster.gpu;
    const bool divisible = cluster.gpus_per_node >= 1 && cluster.gpus_per_node <= cluster.gpu.sms;
    if (divisible && !message.has_comm_sms()) cluster.comm_sms = comm_sms_of_part(cluster);
  }
  if (message.has_hand_over()) {
    PIPELOOM_TRY(cluster.hand_over, load_hand_over(message.hand_over()));
  }
  cluster.nvlink_domain = message.nvlink_domain();
  cluster.domain_gpus = message.domain_gpus();
  if (message.has_comm_piece_tokens()) cluster.comm_piece_tokens = message.comm_piece_tokens();
  return make_cluster(std::move(cluster));
}

}  // namespace pipeloom::proto
