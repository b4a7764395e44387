#include "planner/app/published_fit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/base/check.h"
#include "planner/validate/regularised_fit.h"
#include "proto/job/training_rates_files.h"

namespace pipeloom::planner {

namespace {

constexpr double kEarlierWeight = 0.2;

ConstantFactors factors_of(std::span<const double> x) {
  ConstantFactors factors;
  const auto constants = training_constants();
  for (size_t i = 0; i < constants.size(); ++i) factors.emplace(constants[i].name, std::exp(x[i]));
  return factors;
}

double known_value(const ConstantFactors& known, std::string_view name) {
  const auto factor = known.find(name);
  return factor == known.end() ? 0 : std::log(factor->second);
}

FitProblem problem_of(const std::vector<FitRow>& rows, const FitOptions& options) {
  FitProblem problem;
  for (const TrainingConstant& constant : training_constants()) {
    const double known = known_value(options.known, constant.name);
    const bool held = std::ranges::find(options.held, constant.name) != options.held.end();
    problem.constants.push_back({.known = held || options.from_known ? known : 0,
                                 .spread = constant.spread,
                                 .least = held ? known : std::log(constant.least),
                                 .most = held ? known : std::log(constant.most)});
  }
  problem.rows = rows.size();
  problem.error = [&rows](size_t row, std::span<const double> x) {
    return std::log1p(fit_error(rows[row], factors_of(x)));
  };
  problem.concerns = [&rows](size_t constant, size_t row) {
    return training_constants()[constant].concerns(rows[row].job.software->rates);
  };
  return problem;
}

std::vector<double> weights_of(const std::vector<FitRow>& rows) {
  std::vector<double> weights;
  for (const FitRow& row : rows) weights.push_back(row.weight);
  return weights;
}

std::vector<double> start_of(const FitOptions& options) {
  std::vector<double> x;
  for (const TrainingConstant& constant : training_constants()) x.push_back(known_value(options.known, constant.name));
  return x;
}

std::string group_key(const FitRow& row, const std::vector<std::string>& columns) {
  std::string key;
  for (const std::string& column : columns) key += std::string(row.training.text(column)) + '\n';
  return key;
}

// The value below which a share of the sorted values lies, between neighbours on a line.
double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (place - static_cast<double>(below));
}

// Differences between errors of two trainings of one model on as many of the same GPUs, in the same precision and with
// the same sequence.
std::vector<double> pair_differences(const LeftOut& left, bool experts) {
  const std::vector<std::string> same = {"model", "model_layers", "gpu", "gpu_variant", "num_gpus", "precision", "seq"};
  std::vector<double> differences;
  for (size_t a = 0; a < left.rows.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      if (left.rows[a]->job.model->moe.has_value() != experts) continue;
      if (group_key(*left.rows[a], same) != group_key(*left.rows[b], same)) continue;
      differences.push_back(std::abs(std::log1p(left.errors[a]) - std::log1p(left.errors[b])));
    }
  }
  return differences;
}

StepErrors step_errors(const LeftOut& left, bool experts) {
  constexpr size_t kFewest = 5;
  std::vector<double> logs;
  for (size_t i = 0; i < left.rows.size(); ++i) {
    if (left.rows[i]->job.model->moe.has_value() == experts) logs.push_back(std::log1p(left.errors[i]));
  }
  if (logs.size() < kFewest) return {};
  const std::vector<double> pairs = pair_differences(left, experts);
  return {quantile(logs, 0.1), quantile(logs, 0.9), pairs.size() < kFewest ? 0 : quantile(pairs, 0.8)};
}

}  // namespace

FittedConstants with_errors_of(const LeftOut& left, ConstantFactors factors) {
  return {std::move(factors), step_errors(left, false), step_errors(left, true)};
}

std::vector<FitRow> fit_rows(const std::vector<proto::PublishedTraining>& trainings, const ModelTexts& texts) {
  std::vector<FitRow> rows;
  for (const proto::PublishedTraining& training : trainings) {
    const PublishedPrediction prediction = predict_published(training, texts);
    if (!prediction.compared()) continue;
    auto published = published_job(training, texts);
    PIPELOOM_THROW_UNLESS(published.has_value());
    const bool read = training.text("confidence") != "default-assumed" && training.text("confidence") != "unknown" &&
                      training.text("routing") != "drop";
    const double other = read ? kEarlierWeight : 0;
    FitRow row = {training, std::move(published->job), *prediction.measured_seconds, prediction.judged,
                  prediction.judged ? 1 : other};
    auto rates = proto::published_training_rates(row.job.cluster->gpu.name);
    PIPELOOM_THROW_UNLESS(rates.has_value());
    row.job.software->rates = *std::move(rates);
    rows.push_back(std::move(row));
  }
  return rows;
}

double fit_error(const FitRow& row, const ConstantFactors& factors) {
  Job job = row.job;
  job.software->rates = with_factors(std::move(job.software->rates), factors);
  return predicted_step(job).value() / row.measured_seconds - 1;
}

ConstantFactors fit_constants(const std::vector<FitRow>& rows, const FitOptions& options) {
  const FitProblem problem = problem_of(rows, options);
  return factors_of(RegularisedFit(problem).fit(weights_of(rows), start_of(options)));
}

LeftOut leave_out(const std::vector<FitRow>& rows, const FitOptions& options, const std::vector<std::string>& columns) {
  std::map<std::string, std::vector<size_t>> groups;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].judged) groups[group_key(rows[i], columns)].push_back(i);
  }
  const FitProblem problem = problem_of(rows, options);
  RegularisedFit fit(problem);
  const std::vector<double> whole = fit.fit(weights_of(rows), start_of(options));
  LeftOut left;
  for (const auto& [key, members] : groups) {
    std::vector<double> weights = weights_of(rows);
    for (size_t i = 0; i < rows.size(); ++i) {
      if (group_key(rows[i], columns) == key) weights[i] = 0;
    }
    const ConstantFactors factors = factors_of(fit.fit(weights, whole));
    for (const size_t member : members) {
      left.rows.push_back(&rows[member]);
      left.errors.push_back(fit_error(rows[member], factors));
    }
  }
  return left;
}

}  // namespace pipeloom::planner
