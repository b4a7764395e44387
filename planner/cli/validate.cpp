#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "planner/app/open_as.h"
#include "planner/app/open_gpu.h"
#include "planner/app/sample_jobs.h"
#include "planner/cli/command.h"
#include "planner/cli/published.h"
#include "planner/cli/subject_options.h"
#include "planner/cli/text_table.h"
#include "planner/validate/error_summary.h"
#include "planner/validate/iterations.h"
#include "planner/validate/quantity.h"
#include "proto/base/files.h"
#include "proto/job/job_io.h"
#include "proto/job/measured_iterations.h"

namespace pipeloom::planner {

namespace {

struct Comparison {
  std::string job;
  Reference reference;
  double predicted = 0;

  double error() const { return predicted / reference.value - 1; }
};

std::string signed_percent(double share) {
  return fmt::format("{:+.1f} %", 100 * share);
}

// A job in which nothing is known to compare with is not evaluated.
Status compare_job(const std::string& path, const Job& job, std::vector<Comparison>& comparisons) {
  if (job.references.empty()) return {};
  const auto in_job = [&](const Error& error) { return fail(error.code, fmt::format("{}: {}", path, error.message)); };
  const auto subject = subject_of(job);
  if (!subject) return in_job(subject.error());
  for (const Reference& reference : job.references) {
    const auto quantity = find_quantity(reference.quantity);
    if (!quantity) return in_job(quantity.error());
    const std::optional<double> predicted =
        job.model || !(*quantity)->needs_model ? (*quantity)->predict(subject->job, subject->evaluation) : std::nullopt;
    if (!predicted) return invalid(fmt::format("{}: the job has no {}", path, reference.quantity));
    comparisons.push_back({subject->job.name, reference, *predicted});
  }
  return {};
}

Result<std::vector<Comparison>> compare_references(const std::vector<std::string>& paths) {
  std::vector<Comparison> comparisons;
  for (const std::string& path : paths) {
    PIPELOOM_TRY(const Job job, open_job(path));
    PIPELOOM_RETURN_IF_ERROR(compare_job(path, job, comparisons));
  }
  if (!paths.empty()) return comparisons;
  for (const std::string& path : embedded_job_paths()) {
    PIPELOOM_TRY(const Job job, proto::read_embedded_job(path));
    PIPELOOM_RETURN_IF_ERROR(compare_job(path, job, comparisons));
  }
  return comparisons;
}

std::string number_text(double value) {
  return fmt::format("{:.5g}", value);
}

void print_references(const std::vector<Comparison>& comparisons, std::ostream& out) {
  const std::string* job = nullptr;
  TextTable table({});
  const char* between = "";
  const auto flush = [&] {
    if (job == nullptr) return;
    out << between << *job << "\n\n" << table.text();
    between = "\n";
  };
  for (const Comparison& comparison : comparisons) {
    if (job == nullptr || *job != comparison.job) {
      flush();
      job = &comparison.job;
      table = TextTable({"quantity", "reference", "predicted", "error", "source"});
      table.align_left(4);
    }
    table.add_row({comparison.reference.quantity, number_text(comparison.reference.value),
                   number_text(comparison.predicted), signed_percent(comparison.error()), comparison.reference.source});
  }
  flush();
}

struct Iterations {
  std::vector<MeasuredIteration> measured;
  std::vector<double> predicted_seconds;
  std::map<std::string, std::vector<double>> errors_of_setting;
};

Result<Iterations> compare_iterations(const ValidateOptions& options) {
  PIPELOOM_TRY(const Gpu gpu, open_gpu(options.gpu.empty() ? "A100-80GB" : options.gpu));
  PIPELOOM_TRY(const std::string csv, proto::read_file(options.iterations));
  Iterations iterations;
  PIPELOOM_TRY(iterations.measured, proto::parse_measured_iterations(options.iterations, csv));
  for (size_t i = 0; i < iterations.measured.size(); ++i) {
    const MeasuredIteration& measured = iterations.measured[i];
    const auto predicted = predicted_seconds(measured, gpu);
    if (!predicted) {
      return fail(predicted.error().code,
                  fmt::format("{}: row {}: {}", options.iterations, i + 1, predicted.error().message));
    }
    iterations.predicted_seconds.push_back(*predicted);
    iterations.errors_of_setting[measured.setting].push_back(*predicted / measured.seconds - 1);
  }
  return iterations;
}

void print_iterations(const Iterations& iterations, std::ostream& out) {
  TextTable table({"setting", "rows", "mean error", "median", "p95", "bias"});
  for (const auto& [setting, errors] : iterations.errors_of_setting) {
    const ErrorSummary summary = summary_of(errors);
    const auto percent = [](double share) { return fmt::format("{:.2f} %", 100 * share); };
    table.add_row({setting, std::to_string(summary.rows), percent(summary.mean),
                   percent(absolute_quantile(errors, 0.5)), percent(absolute_quantile(errors, 0.95)),
                   fmt::format("{:+.2f} %", 100 * summary.bias)});
  }
  out << "measured iterations; errors absolute but for the bias\n\n" << table.text();
}

nlohmann::json to_json(const std::vector<Comparison>& comparisons) {
  nlohmann::json json = nlohmann::json::array();
  for (const Comparison& comparison : comparisons) {
    json.push_back({{"job", comparison.job},
                    {"name", comparison.reference.quantity},
                    {"reference", comparison.reference.value},
                    {"predicted", comparison.predicted},
                    {"error", comparison.error()},
                    {"source", comparison.reference.source}});
  }
  return json;
}

nlohmann::json to_json(const Iterations& iterations) {
  nlohmann::json json = {{"settings", nlohmann::json::object()}, {"rows", nlohmann::json::array()}};
  for (const auto& [setting, errors] : iterations.errors_of_setting) {
    const ErrorSummary summary = summary_of(errors);
    json["settings"][setting] = {{"rows", summary.rows},
                                 {"mean_absolute_error", summary.mean},
                                 {"median_absolute_error", absolute_quantile(errors, 0.5)},
                                 {"p95_absolute_error", absolute_quantile(errors, 0.95)},
                                 {"mean_error", summary.bias}};
  }
  for (size_t i = 0; i < iterations.measured.size(); ++i) {
    const MeasuredIteration& measured = iterations.measured[i];
    json["rows"].push_back({{"setting", measured.setting},
                            {"hidden", measured.hidden},
                            {"layers", measured.layers},
                            {"reference_s", measured.seconds},
                            {"predicted_s", iterations.predicted_seconds[i]},
                            {"error", iterations.predicted_seconds[i] / measured.seconds - 1}});
  }
  return json;
}

void list_quantities(std::ostream& out) {
  for (const Quantity& quantity : quantities()) out << fmt::format("{:<24}{}\n", quantity.name, quantity.summary);
}

}  // namespace

Status run_validate(const ValidateOptions& options, const Output& output) {
  if (options.list) {
    list_quantities(output.out);
    return {};
  }
  if (!options.published.empty()) return run_published(options, output);
  PIPELOOM_TRY(const std::vector<Comparison> comparisons, compare_references(options.jobs));
  std::optional<Iterations> iterations;
  if (!options.iterations.empty()) {
    PIPELOOM_TRY(iterations, compare_iterations(options));
  }
  if (options.json) {
    nlohmann::json json = {{"references", to_json(comparisons)}};
    if (iterations) json["iterations"] = to_json(*iterations);
    output.out << json.dump(2) << '\n';
    return {};
  }
  print_references(comparisons, output.out);
  if (iterations && !comparisons.empty()) output.out << '\n';
  if (iterations) print_iterations(*iterations, output.out);
  return {};
}

}  // namespace pipeloom::planner
