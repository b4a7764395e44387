#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/robust.h"
#include "planner/cli/subject_options.h"
#include "planner/cli/whole_step_report.h"

namespace pipeloom::planner {

namespace {

Status check_options(const SimulateOptions& options) {
  if (options.samples == 0 && !options.components && options.variation.given()) {
    return invalid("how durations scatter is given; it needs --samples, the number of steps to draw, or --components");
  }
  if (options.expert_ranks > 1 && !options.components) return invalid("--expert-ranks belongs to --components");
  return {};
}

}  // namespace

Status run_simulate(const SimulateOptions& options, const Output& output) {
  PIPELOOM_RETURN_IF_ERROR(check_options(options));
  PIPELOOM_TRY(Subject subject, load_subject(options.subject));
  PIPELOOM_TRY(subject.job, with_variation(std::move(subject.job), options.variation));
  std::optional<sim::WholeStep> whole;
  if (options.components) {
    PIPELOOM_TRY(whole, whole_step_of(subject, {.expert_ranks = options.expert_ranks, .seed = options.seed}));
  }
  const sim::SampleOptions samples = {.samples = options.samples, .seed = options.seed};
  std::optional<sim::Robustness> robustness;
  if (options.samples > 0) {
    PIPELOOM_RETURN_IF_ERROR(check_scatters(subject.job));
    const Evaluation& evaluation = subject.evaluation;
    PIPELOOM_TRY(robustness, sim::measure_robustness(subject.job, evaluation.schedule, evaluation.costs, samples));
  }
  if (options.json) {
    nlohmann::json json = subject_json(subject);
    if (whole) json["whole_step"] = whole_step_json(*whole);
    if (robustness) json["robustness"] = robustness_json(*robustness, samples);
    output.out << json.dump(2) << '\n';
    return {};
  }
  output.out << headline(subject) << '\n';
  print_summary(subject, output);
  if (whole) print_whole_step(subject, *whole, output.out);
  if (robustness) print_robustness(subject.job, *robustness, samples, output);
  return {};
}

}  // namespace pipeloom::planner
