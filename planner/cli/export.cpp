#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
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

struct Options {
  SubjectOptions subject;
  std::string target;
  std::string output;
  double width = 1600;
};

std::string svg_of(const Subject& subject, double width) {
  TimelineSceneOptions options;
  options.width = width;
  options.title = headline(subject);
  options.ns_per_unit = subject.job.model ? 0 : kNsPerUnit;
  return to_svg(
      timeline_scene(subject.evaluation.schedule, subject.evaluation.timeline, idle_of(subject), options));
}

Status run(const Options& options, const Output& output) {
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  const std::string content =
      options.target == "svg" ? svg_of(subject, options.width)
                              : chrome_trace(subject.evaluation.schedule, subject.evaluation.timeline, headline(subject));
  if (options.output.empty() || options.output == "-") {
    output.out << content;
    return {};
  }
  PIPELOOM_CHECK_OK(write_file_atomically(options.output, content));
  output.out << fmt::format("{} written\n", options.output);
  return {};
}

}  // namespace

void add_export(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("export", "The timeline as a picture (svg) or a trace (chrome)");
  const auto options = std::make_shared<Options>();
  add_subject_options(*command, options->subject, SubjectKind::kJobOrPlan);
  command->add_option("--to", options->target, "svg, or chrome for chrome://tracing and ui.perfetto.dev")
      ->required()
      ->check(CLI::IsMember({"svg", "chrome"}));
  command->add_option("-o,--output", options->output, "the file to write; without it, standard output");
  command->add_option("--width", options->width, "of the picture, in pixels")->check(CLI::Range(400.0, 20000.0));
  command->callback([options, &chosen] { chosen = [options](const Output& output) { return run(*options, output); }; });
}

}  // namespace pipeloom
