#include "planner/cli/import_launch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/cli/gpu_option.h"
#include "proto/base/files.h"
#include "proto/job/job_io.h"
#include "proto/megatron/job_arguments.h"

namespace pipeloom::planner {

namespace {

Result<Cluster> cluster_beside(const ImportOptions& options) {
  Cluster cluster;
  if (!options.subject.job.empty()) {
    PIPELOOM_TRY(const Job job, proto::read_job(options.subject.job));
    if (!job.cluster) return invalid(fmt::format("{}: the job has no cluster", options.subject.job));
    cluster = *job.cluster;
  } else if (options.gpu.empty()) {
    return invalid(fmt::format("{}: which GPUs? Give --gpu (`pipeloom list-gpus` shows them), or --job with a cluster",
                               options.subject.path));
  } else {
    constexpr double kNicBytesPerS = 50e9;  // 400 Gb/s InfiniBand, one NIC a GPU
    cluster.gpus_per_node = 8;
    cluster.nic_bytes_per_s = kNicBytesPerS;
  }
  if (!options.gpu.empty()) {
    PIPELOOM_TRY(cluster.gpu, gpu_of_option(options.gpu));
  }
  if (options.nic_gbytes_per_s) cluster.nic_bytes_per_s = *options.nic_gbytes_per_s * 1e9;
  return cluster;
}

// The job as a file that says where it comes from and what it leaves out.
std::string commented(const std::string& path, const proto::MegatronJob& read) {
  std::string text = fmt::format("# What {} runs.\n", path.substr(path.find_last_of('/') + 1));
  for (const std::string& note : read.notes) text += fmt::format("# Differs: {}.\n", note);
  if (!read.unused.empty()) text += fmt::format("# Not used: {}\n", fmt::join(read.unused, " "));
  return text + proto::job_to_text(read.job);
}

std::string in_words(const Job& job) {
  const Layout& layout = job.layout;
  return fmt::format("{} GPUs: pipeline {}, tensor {}, context {}, data {}, expert {}; {}; {} micro-batches",
                     job.cluster->gpus(), layout.pipeline, layout.tensor, layout.context, layout.data, layout.expert,
                     job.schedule.name, job.micro_batches);
}

void print_written(const ImportOptions& options, const proto::MegatronJob& read, std::ostream& out) {
  out << fmt::format("{}\n", in_words(read.job));
  for (const std::string& note : read.notes) out << fmt::format("differs: {}\n", note);
  if (!read.unused.empty()) out << fmt::format("not used: {}\n", fmt::join(read.unused, " "));
  out << fmt::format("{0} written; pipeloom compare {0}\n", options.output);
}

}  // namespace

bool is_launch_path(const std::string& path) {
  return path.ends_with(".sh") || path.ends_with(".txt") || path.ends_with(".args");
}

Status import_launch(const ImportOptions& options, const Output& output) {
  const std::string& path = options.subject.path;
  if (!options.subject.times.empty()) return invalid("--times is for schedules; a launch has its model's costs");
  PIPELOOM_TRY(const Cluster cluster, cluster_beside(options));
  PIPELOOM_TRY(const std::string text, proto::read_file(path));
  PIPELOOM_TRY(proto::MegatronJob read,
               proto::job_from_megatron(path, text, {cluster, options.nodes, options.gpus_per_node}, options.appended));
  const std::string name = path.substr(path.find_last_of('/') + 1);
  read.job.name = name.substr(0, name.find_last_of('.'));
  const std::string job = commented(path, read);
  if (!options.output.empty()) {
    if (!options.output.ends_with(".txtpb")) {
      return invalid(fmt::format("-o is {}; the name of a job file ends in .txtpb", options.output));
    }
    PIPELOOM_RETURN_IF_ERROR(proto::write_file_atomically(options.output, job));
  }
  if (options.json) {
    const nlohmann::json json = {{"job", job}, {"notes", read.notes}, {"unused", read.unused}};
    output.out << json.dump(2) << '\n';
  } else if (options.output.empty()) {
    output.out << job;
  } else {
    print_written(options, read, output.out);
  }
  return {};
}

}  // namespace pipeloom::planner
