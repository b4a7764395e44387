#include <fmt/format.h>

#include <ostream>

#include "core/lowering/lower.h"
#include "core/timeline_scene.h"
#include "core/units.h"
#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/step_tracks.h"
#include "planner/cli/subject.h"
#include "proto/chakra/chakra.h"
#include "proto/chrome.h"
#include "proto/files.h"
#include "proto/new_folder.h"
#include "proto/perfetto/perfetto.h"
#include "proto/svg.h"
#include "proto/torch/schedule_csv.h"

namespace pipeloom {

namespace {

std::string svg_of(const Subject& subject, int width) {
  TimelineSceneOptions options;
  options.width = width;
  options.title = headline(subject);
  options.ns_per_unit = subject.job.model ? 0 : kNsPerUnit;
  return to_svg(timeline_scene(subject.evaluation.schedule, subject.evaluation.timeline, idle_of(subject), options));
}

Result<std::string> content_of(const Subject& subject, const ExportOptions& options) {
  const Schedule& schedule = subject.evaluation.schedule;
  if (options.target == "svg") return svg_of(subject, options.width);
  if (options.target == "torch-csv") {
    return schedule_to_torch_csv(schedule,
                                 options.communication ? TorchCsvFormat::kComputeComms : TorchCsvFormat::kComputeOnly);
  }
  if (options.target == "perfetto") return perfetto_trace(step_tracks(subject));
  return chrome_trace(schedule, subject.evaluation.timeline, headline(subject));
}

// One file per rank, and the groups that they name.
Status write_chakra(const Subject& subject, const ExportOptions& options, const Output& output) {
  if (options.output.empty() || options.output == "-") {
    return invalid("--to chakra writes a file for each rank: give a new folder with -o");
  }
  const Schedule& schedule = subject.evaluation.schedule;
  const TaskGraph graph = lower(schedule, subject.evaluation.costs, step_rules(subject.job));
  std::vector<FolderFile> files = {{"comm_groups.json", chakra_groups(schedule.ranks())}};
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    files.push_back({fmt::format("step.{}.et", rank), chakra_trace(graph, rank)});
  }
  PIPELOOM_CHECK_OK(write_new_folder(options.output, files));
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
  if (options.target == "chakra") return write_chakra(subject, options, output);
  PIPELOOM_TRY(const std::string content, content_of(subject, options));
  if (options.output.empty() || options.output == "-") {
    output.out << content;
    return {};
  }
  PIPELOOM_CHECK_OK(write_file_atomically(options.output, content));
  output.out << fmt::format("{} written\n", options.output);
  return {};
}

}  // namespace pipeloom
