#include <fmt/format.h>

#include <ostream>

#include "core/timeline_scene.h"
#include "core/units.h"
#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/subject.h"
#include "proto/chrome.h"
#include "proto/files.h"
#include "proto/svg.h"

namespace pipeloom {

namespace {

std::string svg_of(const Subject& subject, int width) {
  TimelineSceneOptions options;
  options.width = width;
  options.title = headline(subject);
  options.ns_per_unit = subject.job.model ? 0 : kNsPerUnit;
  return to_svg(timeline_scene(subject.evaluation.schedule, subject.evaluation.timeline, idle_of(subject), options));
}

}  // namespace

Status run_export(const ExportOptions& options, const Output& output) {
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  const std::string content = options.target == "svg" ? svg_of(subject, options.width)
                                                      : chrome_trace(subject.evaluation.schedule,
                                                                     subject.evaluation.timeline, headline(subject));
  if (options.output.empty() || options.output == "-") {
    output.out << content;
    return {};
  }
  PIPELOOM_CHECK_OK(write_file_atomically(options.output, content));
  output.out << fmt::format("{} written\n", options.output);
  return {};
}

}  // namespace pipeloom
