#include <fmt/format.h>

#include <ostream>

#include "core/tasks/lower.h"
#include "planner/app/subject_svg.h"
#include "planner/cli/command.h"
#include "planner/cli/step_tracks.h"
#include "planner/cli/subject_options.h"
#include "proto/base/files.h"
#include "proto/base/new_folder.h"
#include "proto/chakra/chakra.h"
#include "proto/chrome/chrome.h"
#include "proto/megatron/launch.h"
#include "proto/perfetto/perfetto.h"
#include "proto/torch/schedule_csv.h"

namespace pipeloom::planner {

namespace {

Result<proto::MegatronLaunch> megatron_launch_of(const Subject& subject) {
  if (!subject.job.model) return invalid("--to megatron-args needs a job with a model");
  return proto::megatron_launch(subject.job, subject.schedule_name, subject.evaluation.schedule.placement(),
                                subject.evaluation.costs.layers_per_stage);
}

Result<std::string> content_of(const Subject& subject, const ExportOptions& options) {
  const Schedule& schedule = subject.evaluation.schedule;
  if (options.target == "svg") return subject_svg(subject, options.width);
  if (options.target == "torch-csv") {
    return proto::schedule_to_torch_csv(
        schedule, options.communication ? proto::TorchCsvFormat::kComputeComms : proto::TorchCsvFormat::kComputeOnly);
  }
  if (options.target == "megatron-args") {
    PIPELOOM_TRY(const proto::MegatronLaunch launch, megatron_launch_of(subject));
    return launch.arguments + (launch.nccl_yaml.empty() ? "" : "# nccl.yaml: " + launch.nccl_yaml);
  }
  if (options.target == "perfetto") return proto::perfetto_trace(step_tracks(subject));
  return proto::chrome_trace(schedule, subject.evaluation.timeline, headline(subject));
}

// A folder with the flags and, where there is one, the file that they name.
Status write_megatron(const Subject& subject, const ExportOptions& options, const Output& output) {
  PIPELOOM_TRY(const proto::MegatronLaunch launch, megatron_launch_of(subject));
  std::vector<proto::FolderFile> files = {{"arguments.txt", launch.arguments}};
  if (!launch.nccl_yaml.empty()) files.push_back({"nccl.yaml", launch.nccl_yaml});
  PIPELOOM_RETURN_IF_ERROR(proto::write_new_folder(options.output, files));
  output.out << fmt::format("{0} written; there: xargs -a arguments.txt torchrun ... pretrain_gpt.py\n",
                            options.output);
  return {};
}

// One file per rank, and the groups that they name.
Status write_chakra(const Subject& subject, const ExportOptions& options, const Output& output) {
  if (options.output.empty() || options.output == "-") {
    return invalid("--to chakra writes a file for each rank: give a new folder with -o");
  }
  const Schedule& schedule = subject.evaluation.schedule;
  const TaskGraph graph = lower(schedule, subject.evaluation.costs, step_rules(subject.job));
  std::vector<proto::FolderFile> files = {{"comm_groups.json", proto::chakra_groups(schedule.ranks())}};
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    files.push_back({fmt::format("step.{}.et", rank), proto::chakra_trace(graph, rank)});
  }
  PIPELOOM_RETURN_IF_ERROR(proto::write_new_folder(options.output, files));
  output.out << fmt::format(
      "{0} written; for ASTRA-sim: --workload-configuration={0}/step --comm-group-configuration={0}/comm_groups.json\n",
      options.output);
  return {};
}

}  // namespace

Status run_export(const ExportOptions& options, const Output& output) {
  if (options.communication && options.target != "torch-csv") {
    return invalid("--communication is given; allowed only with --to torch-csv");
  }
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  const bool to_file = !options.output.empty() && options.output != "-";
  if (options.target == "megatron-args" && to_file) return write_megatron(subject, options, output);
  if (options.target == "chakra") return write_chakra(subject, options, output);
  PIPELOOM_TRY(const std::string content, content_of(subject, options));
  if (!to_file) {
    output.out << content;
    return {};
  }
  PIPELOOM_RETURN_IF_ERROR(proto::write_file_atomically(options.output, content));
  output.out << fmt::format("{} written\n", options.output);
  return {};
}

}  // namespace pipeloom::planner
