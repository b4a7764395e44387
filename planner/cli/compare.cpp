#include "planner/subject/compare.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "core/base/printable.h"
#include "planner/cli/command.h"
#include "planner/cli/report.h"
#include "planner/cli/subject_options.h"
#include "planner/cli/text_table.h"

namespace pipeloom::planner {

namespace {

nlohmann::json to_json(const Job& job, const ComparedSchedule& entry) {
  nlohmann::json json = {{"schedule", entry.named->name},
                         {"runs", entry.numbers.has_value()},
                         {"fits", entry.numbers && entry.numbers->fits}};
  if (!entry.numbers) {
    json["reason"] = entry.numbers.error().message;
    return json;
  }
  const ComparedNumbers& numbers = *entry.numbers;
  json["time_per_step"] = json_time(numbers.step_ns);
  json["makespan"] = json_time(numbers.makespan_ns);
  json["span"] = json_time(numbers.span_ns);
  json["bubble_global_rate"] = numbers.bubble_global_rate;
  json["bubble_span_rate"] = numbers.bubble_span_rate;
  json["weight_copies"] = numbers.weight_copies;
  json["overlap"] = numbers.overlap;
  json["fullest_rank"] = numbers.fullest_rank;
  json["too_close_to_call"] = numbers.close_to_best;
  json["may_not_fit"] = numbers.may_not_fit;
  add_figures(entry.job, numbers.step_ns, numbers.peak_memory, json);
  if (!job.model) {
    json["peak_activations"] = static_cast<double>(numbers.peak_memory) / 1e6;
  }
  return json;
}

std::string remark(const ComparedNumbers& numbers, const std::string& limit) {
  if (!numbers.fits) return fmt::format("does not fit {}", limit);
  std::string text = numbers.may_not_fit ? fmt::format("may not fit {}", limit) : "";
  if (numbers.may_not_fit && numbers.close_to_best) text += ", ";
  if (numbers.close_to_best) text += "too close to the best to call";
  return text;
}

void print_table(const Job& job, const std::vector<ComparedSchedule>& compared, const Output& output) {
  TextTable table({"schedule", "time/step", "bubble", "in span", job.model ? "peak memory" : "peak activations",
                   "weight copies", "overlap", ""});
  table.align_left(7);
  const int64_t limit = memory_limit_bytes(job);
  for (const ComparedSchedule& entry : compared) {
    if (!entry.numbers) continue;
    const ComparedNumbers& numbers = *entry.numbers;
    table.add_row({std::string(entry.named->name), time_text(job, numbers.step_ns),
                   percent_text(numbers.bubble_global_rate), percent_text(numbers.bubble_span_rate),
                   memory_text(job, numbers.peak_memory), std::to_string(numbers.weight_copies),
                   numbers.overlap > 0 ? percent_text(numbers.overlap) : "-",
                   remark(numbers, memory_text(job, limit))});
  }
  output.out << table.text();
}

void print_refusals(const std::vector<ComparedSchedule>& compared, const Output& output) {
  TextTable table({"Can't run this job:", ""});
  table.align_left(1);
  for (const ComparedSchedule& entry : compared) {
    if (!entry.numbers) table.add_row({std::string(entry.named->name), entry.numbers.error().message});
  }
  if (!table.empty()) output.out << '\n' << table.text();
}

void print_legend(const Job& job, const Output& output) {
  output.out
      << "\nbubble: idle share of the makespan; in span: of the longest rank's time from first start to last end";
  output.out << (job.model
                     ? "\noverlap: share of the all-to-all that overlapped pairs hide; time/step includes gradient "
                       "reduction and optimizer\n"
                     : "\n");
}

}  // namespace

Status run_compare(const CompareOptions& options, const Output& output) {
  PIPELOOM_TRY(const Job job, load_job(options.subject));
  PIPELOOM_TRY(const Framework* framework, find_framework(options.subject.framework));
  const std::vector<ComparedSchedule> compared = compare_schedules(job, framework);
  if (const ComparedSchedule& best = compared.front(); !best.numbers) {
    return unsupported(
        fmt::format("no schedule can run this job; {}: {}", best.named->name, best.numbers.error().message));
  }
  if (options.json) {
    nlohmann::json json = {{"job", job.name}, {"unit", "ms"}, {"schedules", nlohmann::json::array()}};
    for (const ComparedSchedule& entry : compared) json["schedules"].push_back(to_json(job, entry));
    output.out << json.dump(2) << '\n';
    return {};
  }
  output.out << fmt::format("{}{} ranks, {} micro-batches\n", job.name.empty() ? "" : printable_name(job.name) + ": ",
                            job.layout.pipeline, job.micro_batches);
  if (job.costs) {
    output.out << "At equal work: a schedule with several chunks per rank divides times and activations among them.\n";
  }
  output.out << '\n';
  print_table(job, compared, output);
  print_legend(job, output);
  print_refusals(compared, output);
  return {};
}

}  // namespace pipeloom::planner
