#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <ostream>

#include "planner/app/published_fit.h"
#include "planner/cli/published.h"
#include "planner/cli/published_report.h"
#include "proto/base/files.h"
#include "proto/job/fitted_constants.h"

namespace pipeloom::planner {

namespace {

std::vector<double> judged_errors(const std::vector<FitRow>& rows, const ConstantFactors& factors) {
  std::vector<double> errors;
  for (const FitRow& row : rows) {
    if (row.judged) errors.push_back(fit_error(row, factors));
  }
  return errors;
}

void add_groups(TextTable& table, const LeftOut& left) {
  for (const char* column : {"gpu", "model", "precision", "software"}) {
    std::map<std::string, std::vector<double>> groups;
    for (size_t i = 0; i < left.rows.size(); ++i) {
      groups[std::string(left.rows[i]->training.text(column))].push_back(left.errors[i]);
    }
    for (const auto& [value, errors] : groups)
      add_errors(table, fmt::format("  {} {}", column, value), summary_of(errors));
  }
}

// The trainings that are predicted worst.
void print_worst(const LeftOut& left, std::ostream& out) {
  constexpr size_t kShown = 10;
  std::vector<size_t> order(left.rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, std::greater<>(), [&](size_t i) { return std::abs(std::log1p(left.errors[i])); });
  order.resize(std::min(order.size(), kShown));
  TextTable table({"worst, left out", "error"});
  for (const size_t i : order) {
    table.add_row({left.rows[i]->training.id, fmt::format("{:+.1f} %", 100 * left.errors[i])});
  }
  out << '\n' << table.text();
}

// What is left out at a time.
std::vector<std::string> groups_of(const CalibrateOptions& options) {
  if (!options.leave_out.empty()) return options.leave_out;
  return options.from_scratch ? std::vector<std::string>{"model", "gpu"} : std::vector<std::string>{"id"};
}

// A few steps of one's own say nothing about intervals.
void keep_known_errors(const FittedConstants& known, FittedConstants& fitted) {
  if (!fitted.dense_errors.known()) fitted.dense_errors = known.dense_errors;
  if (!fitted.expert_errors.known()) fitted.expert_errors = known.expert_errors;
}

}  // namespace

Status run_calibrate_published(const CalibrateOptions& options, const Output& output) {
  if (!options.plan.empty()) return invalid("--published is given; PLAN and TRACE belong to another calibration");
  for (const std::string& name : options.hold) PIPELOOM_RETURN_IF_ERROR(check_factors({{name, 1}}));
  PIPELOOM_TRY(const std::string csv, proto::read_file(options.published));
  PIPELOOM_TRY(const auto trainings, proto::parse_published(options.published, csv));
  const std::vector<FitRow> rows = fit_rows(trainings, texts_beside(options.published));
  const std::vector<std::string> groups = groups_of(options);
  for (const std::string& column : groups) {
    const auto has = [&](const proto::PublishedTraining& training) { return !training.text(column).empty(); };
    if (std::ranges::none_of(trainings, has)) {
      return invalid(fmt::format("--leave-out is {}; {} has no such column", column, options.published));
    }
  }
  if (rows.empty()) return invalid(fmt::format("{}: no training whose step is known can be said", options.published));
  const FittedConstants& known = proto::known_fitted_constants();
  const FitOptions fit = {.from_known = !options.from_scratch, .known = known.factors, .held = options.hold};
  const ConstantFactors factors = fit_constants(rows, fit);
  const LeftOut left = leave_out(rows, fit, groups);
  FittedConstants fitted = with_errors_of(left, factors);
  if (!options.from_scratch) keep_known_errors(known, fitted);
  TextTable table({"judged steps", "rows", "median", "mean", "p90", "bias"});
  add_errors(table, "with published rates", summary_of(judged_errors(rows, {})));
  add_errors(table, "with the known constants", summary_of(judged_errors(rows, fit.known)));
  add_errors(table, "in the fit", summary_of(judged_errors(rows, factors)));
  add_errors(table, fmt::format("left out by {}", fmt::join(groups, " and ")), summary_of(left.errors));
  add_groups(table, left);
  output.out << table.text();
  print_worst(left, output.out);
  const std::string text = proto::fitted_constants_to_text(fitted);
  if (!options.output.empty() && options.output != "-") return proto::write_file_atomically(options.output, text);
  output.out << '\n' << text;
  return {};
}

}  // namespace pipeloom::planner
