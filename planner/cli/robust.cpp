#include "planner/cli/robust.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/app/robust_choice.h"
#include "planner/app/save_plan.h"
#include "planner/cli/report.h"
#include "planner/cli/search_options.h"
#include "planner/cli/text_table.h"

namespace pipeloom::planner {

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
double share_of_loss(const sim::Robustness& robustness, int rank) {
  if (robustness.loss_ns <= 0) return 0;
  return static_cast<double>(robustness.rank_loss_ns[rank]) / static_cast<double>(robustness.loss_ns);
}

}  // namespace

void print_robustness(const Job& job, const sim::Robustness& robustness, const sim::SampleOptions& options,
                      const Output& output) {
  output.out << fmt::format("\n{} steps, seed {}: {}\n", options.samples, options.seed, variation_text(job.variation));
  output.out << fmt::format("median {}   p95 {}   mean {}   as planned {}\n", time_text(job, robustness.median_ns),
                            time_text(job, robustness.p95_ns), time_text(job, robustness.mean_ns),
                            time_text(job, robustness.planned_ns));
  const int worst = robustness.worst_rank();
  output.out << fmt::format("rank {} hurts most: without its own scatter a step takes {} less, {} of the loss\n\n",
                            worst, time_text(job, robustness.rank_loss_ns[worst]),
                            percent_text(share_of_loss(robustness, worst)));
  TextTable table({"rank", "costs a step", "of the loss"});
  for (int rank = 0; rank < static_cast<int>(robustness.rank_loss_ns.size()); ++rank) {
    table.add_row({std::to_string(rank), time_text(job, robustness.rank_loss_ns[rank]),
                   percent_text(share_of_loss(robustness, rank))});
  }
  output.out << table.text();
  output.out << "\nwhat is missing to 100 % goes away only with the scatter of several ranks together\n";
}

nlohmann::json robustness_json(const sim::Robustness& robustness, const sim::SampleOptions& options) {
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

namespace {

void print_candidates(const Job& job, const std::vector<RobustCandidate>& candidates, const Output& output) {
  TextTable table({"order", "median", "p95", "as planned"});
  for (const RobustCandidate& candidate : candidates) {
    const sim::Robustness& robustness = candidate.robustness;
    table.add_row({candidate.name, time_text(job, robustness.median_ns), time_text(job, robustness.p95_ns),
                   time_text(job, robustness.planned_ns)});
  }
  output.out << "\nby p95:\n" << table.text();
}

Result<RobustRequest> robust_request_of(const PlanOptions& options) {
  const SearchOptions& how = options.search;
  RobustRequest request = {.comm_sms = options.comm_sms};
  PIPELOOM_TRY(request.effort, effort_of(how));
  // With a memory cap in activations only the search knows what fits.
  request.named = how.memory_cap.empty() && how.placement.empty();
  if (how.searches()) {
    PIPELOOM_TRY(request.order, order_request_of(options));
  }
  return request;
}

}  // namespace

Status run_robust_plan(const PlanOptions& options, const Output& output) {
  PIPELOOM_TRY(Job job, load_job(options.subject));
  PIPELOOM_TRY(job, with_variation(std::move(job), options.variation));
  PIPELOOM_TRY(const RobustRequest request, robust_request_of(options));
  PIPELOOM_TRY(const RobustChoice choice, choose_robust(job, request));
  const Subject& subject = choice.subject;
  if (!options.output.empty()) PIPELOOM_RETURN_IF_ERROR(save_plan(subject, options.output));
  if (options.json) {
    nlohmann::json json = subject_json(subject);
    json["objective"] = "p95";
    json["robustness"] = robustness_json(choice.robustness, choice.samples);
    output.out << json.dump(2) << '\n';
    return {};
  }
  output.out << headline(subject) << '\n';
  print_summary(subject, output);
  print_robustness(subject.job, choice.robustness, choice.samples, output);
  print_candidates(subject.job, choice.candidates, output);
  if (!options.output.empty()) output.out << fmt::format("\nplan written to {}\n", options.output);
  return {};
}

}  // namespace pipeloom::planner
