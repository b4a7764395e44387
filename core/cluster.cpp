#include "core/cluster.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/field_check.h"

namespace pipeloom {

namespace {

// NVLink rates are nominal per direction (half of what the maker prints) times this: DeepEP's README reaches 160 of the
// H800's 200 GB/s; NCCL's all-reduce on 2 to 8 A100 moves 230 of 300 (vTrain, MICRO'24, its NCCL tables).
constexpr double kReachableNvlink = 0.8;

Gpu gpu(const char* name, int sms, double memory_gb, double bf16_tflops, double fp8_tflops, double memory_tb_per_s,
        double nvlink_gb_per_s) {
  return {name,
          sms,
          static_cast<int64_t>(memory_gb * 1e9),
          bf16_tflops * 1e12,
          fp8_tflops * 1e12,
          memory_tb_per_s * 1e12,
          nvlink_gb_per_s * 1e9 * kReachableNvlink};
}

Status check_flops(const char* path, double value, bool may_be_zero) {
  if (may_be_zero && value == 0) return {};
  return check_field(path, value, 1e6, 1e21);
}

Status check_bandwidth(const char* path, double value, bool may_be_zero) {
  if (may_be_zero && value == 0) return {};
  return check_field(path, value, 1e6, 1e18);
}

Status check_gpu(const Gpu& gpu, bool has_neighbours) {
  if (gpu.name.empty()) return invalid("cluster.gpu.name is empty; allowed is any other text");
  PIPELOOM_CHECK_OK(check_field("cluster.gpu.sms", int64_t{gpu.sms}, 1, 10'000));
  PIPELOOM_CHECK_OK(check_field("cluster.gpu.memory_bytes", gpu.memory_bytes, 1'000'000, 1'000'000'000'000'000));
  PIPELOOM_CHECK_OK(check_flops("cluster.gpu.bf16_flops", gpu.bf16_flops, false));
  PIPELOOM_CHECK_OK(check_flops("cluster.gpu.fp8_flops", gpu.fp8_flops, true));
  PIPELOOM_CHECK_OK(check_bandwidth("cluster.gpu.memory_bytes_per_s", gpu.memory_bytes_per_s, false));
  return check_bandwidth("cluster.gpu.nvlink_bytes_per_s", gpu.nvlink_bytes_per_s, !has_neighbours);
}

}  // namespace

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
  PIPELOOM_CHECK_OK(check_bandwidth("cluster.nic_bytes_per_s", cluster.nic_bytes_per_s, cluster.nodes == 1));
  PIPELOOM_CHECK_OK(check_field("cluster.nvlink_latency_ns", cluster.nvlink_latency_ns, 0, 1'000'000'000));
  PIPELOOM_CHECK_OK(check_field("cluster.nic_latency_ns", cluster.nic_latency_ns, 0, 1'000'000'000));
  PIPELOOM_CHECK_OK(check_field("cluster.comm_sms", int64_t{cluster.comm_sms}, 0, cluster.gpu.sms - 1));
  return cluster;
}

// Dense rates of the SXM modules, from NVIDIA's A100 (2021), H100 (2023) and H200 (2024) data sheets and the HGX B200
// page (2025). The H800 is an H100 with 400 GB/s of NVLink (DeepSeek, ISCA'25, arXiv 2505.09343, section 4.1).
// SMs: NVIDIA's Ampere and Hopper white papers; B200: what its driver reports.
std::vector<Gpu> known_gpus() {
  return {
      gpu("A100-40GB", 108, 40, 312, 0, 1.555, 300),  gpu("A100-80GB", 108, 80, 312, 0, 2.039, 300),
      gpu("H100", 132, 80, 989.4, 1978.9, 3.35, 450), gpu("H800", 132, 80, 989.4, 1978.9, 3.35, 200),
      gpu("H200", 132, 141, 989.4, 1978.9, 4.8, 450), gpu("B200", 148, 180, 2250, 4500, 8.0, 900),
  };
}

Result<Gpu> find_gpu(const std::string& name) {
  std::vector<std::string> names;
  for (Gpu& known : known_gpus()) {
    if (known.name == name) return std::move(known);
    names.push_back(known.name);
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("cluster.gpu \"{}\" is unknown; allowed are {}", name, fmt::join(names, ", ")));
}

}  // namespace pipeloom
