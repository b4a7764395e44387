#include "planner/cli/import_launch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/app/launch_job.h"

namespace pipeloom::planner {

namespace {

std::string in_words(const Job& job) {
  const Layout& layout = job.layout;
  return fmt::format("{} GPUs: pipeline {}, tensor {}, context {}, data {}, expert {}; {}; {} micro-batches",
                     job.cluster->gpus(), layout.pipeline, layout.tensor, layout.context, layout.data, layout.expert,
                     job.schedule.name, job.micro_batches);
}

void print_written(const ImportOptions& options, const LaunchJob& launch, std::ostream& out) {
  out << fmt::format("{}\n", in_words(launch.job));
  for (const std::string& note : launch.notes) out << fmt::format("differs: {}\n", note);
  if (!launch.unused.empty()) out << fmt::format("not used: {}\n", fmt::join(launch.unused, " "));
  out << fmt::format("{0} written; pipeloom compare {0}\n", options.output);
}

}  // namespace

Status import_launch(const ImportOptions& options, const Output& output) {
  if (!options.subject.times.empty()) return invalid("--times is for schedules; a launch has its model's costs");
  PIPELOOM_TRY(const LaunchJob launch, open_launch({.path = options.subject.path,
                                                    .job_path = options.subject.job,
                                                    .gpu = options.gpu,
                                                    .nodes = options.nodes,
                                                    .gpus_per_node = options.gpus_per_node,
                                                    .nic_gbytes_per_s = options.nic_gbytes_per_s,
                                                    .appended = options.appended}));
  if (!options.output.empty()) PIPELOOM_RETURN_IF_ERROR(save_launch_job(launch, options.output));
  if (options.json) {
    const nlohmann::json json = {{"job", launch.text}, {"notes", launch.notes}, {"unused", launch.unused}};
    output.out << json.dump(2) << '\n';
  } else if (options.output.empty()) {
    output.out << launch.text;
  } else {
    print_written(options, launch, output.out);
  }
  return {};
}

}  // namespace pipeloom::planner
