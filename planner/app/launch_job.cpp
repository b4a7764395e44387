#include "planner/app/launch_job.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <utility>

#include "core/job/cluster.h"
#include "planner/app/kind_of_file.h"
#include "planner/app/open_as.h"
#include "planner/app/open_gpu.h"
#include "proto/base/files.h"
#include "proto/job/job_io.h"
#include "proto/megatron/job_arguments.h"

namespace pipeloom::planner {

namespace {

// A node as they usually are, its GPU still to be filled in.
Cluster usual_cluster() {
  Cluster cluster;
  cluster.gpus_per_node = 8;
  cluster.nic_bytes_per_s = 50e9;  // 400 Gb/s InfiniBand, one NIC a GPU
  return cluster;
}

Result<Cluster> cluster_of_job(const std::string& path) {
  PIPELOOM_TRY(const Job job, open_job(path));
  if (!job.cluster) return invalid(fmt::format("{}: the job has no cluster", path));
  return *job.cluster;
}

Result<Cluster> cluster_beside(const LaunchSource& source) {
  Cluster cluster = usual_cluster();
  if (!source.job_path.empty()) {
    PIPELOOM_TRY(cluster, cluster_of_job(source.job_path));
  } else if (source.gpu.empty()) {
    return invalid(fmt::format("{}: which GPUs? Give --gpu (`pipeloom list-gpus` shows them), or --job with a cluster",
                               source.path));
  }
  if (!source.gpu.empty()) {
    PIPELOOM_TRY(cluster.gpu, open_gpu(source.gpu));
  }
  if (source.nic_gbytes_per_s) cluster.nic_bytes_per_s = *source.nic_gbytes_per_s * 1e9;
  return cluster;
}

// The job's file, which says where it comes from and what it leaves out.
std::string commented(const std::string& path, const proto::MegatronJob& read) {
  std::string text = fmt::format("# What {} runs.\n", std::filesystem::path(path).filename().string());
  for (const std::string& note : read.notes) text += fmt::format("# Differs: {}.\n", note);
  if (!read.unused.empty()) text += fmt::format("# Not used: {}\n", fmt::join(read.unused, " "));
  return text + proto::job_to_text(read.job);
}

}  // namespace

Result<LaunchJob> open_launch(const LaunchSource& source) {
  PIPELOOM_TRY([[maybe_unused]] const FileKind kind, kind_of_file(source.path, {FileKind::kLaunch}));
  PIPELOOM_TRY(const Cluster cluster, cluster_beside(source));
  PIPELOOM_TRY(const std::string script, proto::read_file(source.path));
  PIPELOOM_TRY(
      proto::MegatronJob read,
      proto::job_from_megatron(source.path, script, {cluster, source.nodes, source.gpus_per_node}, source.appended));
  read.job.name = std::filesystem::path(source.path).stem().string();
  std::string text = commented(source.path, read);
  return LaunchJob{std::move(read.job), std::move(read.notes), std::move(read.unused), std::move(text)};
}

Status save_launch_job(const LaunchJob& launch, const std::string& path) {
  if (!path.ends_with(".txtpb")) {
    return invalid(fmt::format("-o is {}; the name of a job file ends in .txtpb", path));
  }
  return proto::write_file_atomically(path, launch.text);
}

}  // namespace pipeloom::planner
