#include "core/plan.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "core/lowering/lower.h"
#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/subject.h"
#include "proto/plan_io.h"

namespace pipeloom {

namespace {

struct Options {
  SubjectOptions subject;
  std::string output;
  bool json = false;
};

Plan plan_of(const Subject& subject) {
  const Evaluation& evaluation = subject.evaluation;
  const PlanSummary summary = {evaluation.bubble.makespan_ns, evaluation.bubble.span_ns, evaluation.peak_memory()};
  const int comm_sms = subject.job.cluster ? subject.job.cluster->comm_sms : 0;
  return make_plan(subject.job, subject.schedule_name, evaluation.schedule, evaluation.costs, comm_sms, summary);
}

Status run(const Options& options, const Output& output) {
  PIPELOOM_TRY(const Subject subject, load_subject(options.subject));
  if (!options.output.empty()) PIPELOOM_CHECK_OK(write_plan(options.output, plan_of(subject)));
  if (options.json) {
    output.out << subject_json(subject).dump(2) << '\n';
    return {};
  }
  output.out << headline(subject) << '\n';
  print_summary(subject, output);
  if (!options.output.empty()) output.out << fmt::format("\nplan written to {}\n", options.output);
  return {};
}

}  // namespace

void add_plan(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("plan", "Choose the best named schedule that fits the memory; -o writes it");
  const auto options = std::make_shared<Options>();
  add_subject_options(*command, options->subject, SubjectKind::kJob);
  command->add_option("-o,--output", options->output, "the plan file to write");
  command->add_flag("--json", options->json, "for scripts");
  command->callback([options, &chosen] { chosen = [options](const Output& output) { return run(*options, output); }; });
}

}  // namespace pipeloom
