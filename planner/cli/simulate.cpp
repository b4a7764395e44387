#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/subject.h"

namespace pipeloom {

namespace {

struct Options {
  SubjectOptions subject;
  bool json = false;
};

Status run(const Options& options, const Output& output) {
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  if (options.json) {
    output.out << subject_json(subject).dump(2) << '\n';
    return {};
  }
  output.out << headline(subject) << '\n';
  print_summary(subject, output);
  return {};
}

}  // namespace

void add_simulate(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("simulate", "Makespan, bubble and memory of one schedule, rank by rank");
  const auto options = std::make_shared<Options>();
  add_subject_options(*command, options->subject, SubjectKind::kJobOrPlan);
  command->add_flag("--json", options->json, "for scripts");
  command->callback([options, &chosen] { chosen = [options](const Output& output) { return run(*options, output); }; });
}

}  // namespace pipeloom
