#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/subject.h"
#include "planner/cli/table.h"
#include "sim/robust/robustness.h"

namespace pipeloom {

Result<Job> with_variation(Job job, const VariationOptions& options) {
  Variation& variation = job.variation;
  variation.jitter = options.jitter.value_or(variation.jitter);
  variation.expert_imbalance = options.expert_imbalance.value_or(variation.expert_imbalance);
  variation.straggler_probability = options.straggler_probability.value_or(variation.straggler_probability);
  variation.straggler_slowdown = options.straggler_slowdown.value_or(variation.straggler_slowdown);
  return make_job(std::move(job));
}

namespace {

std::string variation_text(const Variation& variation) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (variation.jitter > 0) add(fmt::format("jitter {}", percent_text(variation.jitter)));
  if (variation.expert_imbalance > 0) add(fmt::format("experts {}", percent_text(variation.expert_imbalance)));
  if (variation.straggler_probability > 0) {
    add(fmt::format("a rank is a straggler in {} of the steps, {} times slower",
                    percent_text(variation.straggler_probability), variation.straggler_slowdown));
  }
  return text;
}

// Of what the step loses to scatter, what goes away with the rank's own.
double share_of_loss(const Robustness& robustness, int rank) {
  if (robustness.loss_ns <= 0) return 0;
  return static_cast<double>(robustness.rank_loss_ns[rank]) / static_cast<double>(robustness.loss_ns);
}

void print_robustness(const Subject& subject, const Robustness& robustness, const SimulateOptions& options,
                      const Output& output) {
  const Job& job = subject.job;
  output.out << fmt::format("\n{} steps, seed {}: {}\n", options.samples, options.seed, variation_text(job.variation));
  output.out << fmt::format("median {}   p95 {}   mean {}   as planned {}\n", time_text(job, robustness.median_ns),
                            time_text(job, robustness.p95_ns), time_text(job, robustness.mean_ns),
                            time_text(job, robustness.planned_ns));
  const int worst = robustness.worst_rank();
  output.out << fmt::format("rank {} hurts most: without its own scatter a step takes {} less, {} of the loss\n\n",
                            worst, time_text(job, robustness.rank_loss_ns[worst]),
                            percent_text(share_of_loss(robustness, worst)));
  Table table({"rank", "costs a step", "of the loss"});
  for (int rank = 0; rank < static_cast<int>(robustness.rank_loss_ns.size()); ++rank) {
    table.add_row({std::to_string(rank), time_text(job, robustness.rank_loss_ns[rank]),
                   percent_text(share_of_loss(robustness, rank))});
  }
  output.out << table.text();
}

nlohmann::json robustness_json(const Robustness& robustness, const SimulateOptions& options) {
  nlohmann::json json = {{"samples", options.samples},
                         {"seed", options.seed},
                         {"as_planned", json_time(robustness.planned_ns)},
                         {"mean", json_time(robustness.mean_ns)},
                         {"median", json_time(robustness.median_ns)},
                         {"p95", json_time(robustness.p95_ns)},
                         {"worst_rank", robustness.worst_rank()},
                         {"steps_by_rank", robustness.steps_by_rank},
                         {"loss", json_time(robustness.loss_ns)},
                         {"loss_by_rank", nlohmann::json::array()}};
  for (const int64_t loss_ns : robustness.rank_loss_ns) json["loss_by_rank"].push_back(json_time(loss_ns));
  return json;
}

}  // namespace

Status run_simulate(const SimulateOptions& options, const Output& output) {
  if (options.samples == 0 && options.variation.given()) {
    return invalid("how durations scatter is given; it needs --samples, the number of steps to draw");
  }
  PIPELOOM_TRY(Subject subject, load_subject(options.subject));
  PIPELOOM_TRY(subject.job, with_variation(std::move(subject.job), options.variation));
  if (options.samples > 0 && subject.job.variation.none()) {
    return invalid("--samples is given, but nothing scatters; give the job a variation, or --jitter 0.05");
  }
  std::optional<Robustness> robustness;
  if (options.samples > 0) {
    const Evaluation& evaluation = subject.evaluation;
    PIPELOOM_TRY(robustness, measure_robustness(subject.job, evaluation.schedule, evaluation.costs,
                                                {.samples = options.samples, .seed = options.seed}));
  }
  if (options.json) {
    nlohmann::json json = subject_json(subject);
    if (robustness) json["robustness"] = robustness_json(*robustness, options);
    output.out << json.dump(2) << '\n';
    return {};
  }
  output.out << headline(subject) << '\n';
  print_summary(subject, output);
  if (robustness) print_robustness(subject, *robustness, options, output);
  return {};
}

}  // namespace pipeloom
