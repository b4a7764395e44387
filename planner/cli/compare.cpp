#include "planner/compare.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/subject.h"
#include "planner/cli/table.h"

namespace pipeloom {

namespace {

nlohmann::json to_json(const Job& job, const ComparedSchedule& entry) {
  nlohmann::json json = {{"schedule", entry.named->name}, {"runs", entry.evaluation.has_value()}, {"fits", entry.fits}};
  if (!entry.evaluation) {
    json["reason"] = entry.evaluation.error().message;
    return json;
  }
  const Evaluation& evaluation = *entry.evaluation;
  json["time_per_step"] = json_time(evaluation.end.step_ns);
  json["makespan"] = json_time(evaluation.bubble.makespan_ns);
  json["span"] = json_time(evaluation.bubble.span_ns);
  json["bubble_global_rate"] = evaluation.bubble.global_rate();
  json["bubble_span_rate"] = evaluation.bubble.span_rate();
  json["weight_copies"] = evaluation.weight_copies;
  json["overlap"] = evaluation.overlap;
  json["fullest_rank"] = evaluation.fullest_rank();
  if (job.model) {
    json["peak_memory_bytes"] = evaluation.peak_memory();
  } else {
    json["peak_activations"] = static_cast<double>(evaluation.peak_memory()) / 1e6;
  }
  return json;
}

void print_table(const Job& job, const std::vector<ComparedSchedule>& compared, const Output& output) {
  Table table({"schedule", "time/step", "bubble", "in span", job.model ? "peak memory" : "peak activations",
               "weight copies", "overlap", ""});
  table.align_left(7);
  const int64_t limit = memory_limit_bytes(job);
  for (const ComparedSchedule& entry : compared) {
    if (!entry.evaluation) continue;
    const Evaluation& evaluation = *entry.evaluation;
    table.add_row({std::string(entry.named->name), time_text(job, evaluation.end.step_ns),
                   percent_text(evaluation.bubble.global_rate()), percent_text(evaluation.bubble.span_rate()),
                   memory_text(job, evaluation.peak_memory()), std::to_string(evaluation.weight_copies),
                   evaluation.overlap > 0 ? percent_text(evaluation.overlap) : "-",
                   entry.fits ? "" : fmt::format("does not fit {}", memory_text(job, limit))});
  }
  output.out << table.text();
  bool any_refused = false;
  for (const ComparedSchedule& entry : compared) {
    if (entry.evaluation) continue;
    output.out << (any_refused ? "" : "\nCan't run this job:\n");
    any_refused = true;
    output.out << fmt::format("  {:<26} {}\n", entry.named->name, entry.evaluation.error().message);
  }
}

}  // namespace

Status run_compare(const CompareOptions& options, const Output& output) {
  PIPELOOM_TRY(const Job job, load_job(options.subject));
  const std::vector<ComparedSchedule> compared = compare_schedules(job);
  if (options.json) {
    nlohmann::json json = {{"job", job.name}, {"unit", "ms"}, {"schedules", nlohmann::json::array()}};
    for (const ComparedSchedule& entry : compared) json["schedules"].push_back(to_json(job, entry));
    output.out << json.dump(2) << '\n';
    return {};
  }
  output.out << fmt::format("{}{} ranks, {} micro-batches\n", job.name.empty() ? "" : job.name + ": ",
                            job.layout.pipeline, job.micro_batches);
  if (job.costs) output.out << "Equal work: a schedule with several chunks per rank divides the times among them.\n";
  output.out << '\n';
  print_table(job, compared, output);
  return {};
}

}  // namespace pipeloom
