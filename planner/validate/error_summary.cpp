#include "planner/validate/error_summary.h"

#include <algorithm>
#include <cmath>

namespace pipeloom::planner {

namespace {

double median_of(const std::vector<double>& sorted) {
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

std::vector<double> sorted_sizes(const std::vector<double>& errors) {
  std::vector<double> sizes;
  for (const double error : errors) sizes.push_back(std::abs(error));
  std::ranges::sort(sizes);
  return sizes;
}

double quantile_of(const std::vector<double>& sorted, double share) {
  const auto needed = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(needed, 1) - 1];
}

}  // namespace

double absolute_quantile(const std::vector<double>& errors, double share) {
  return errors.empty() ? 0 : quantile_of(sorted_sizes(errors), share);
}

ErrorSummary summary_of(const std::vector<double>& errors) {
  ErrorSummary summary;
  summary.rows = errors.size();
  if (errors.empty()) return summary;
  const auto rows = static_cast<double>(errors.size());
  double sum = 0;
  double absolute_sum = 0;
  for (const double error : errors) {
    sum += error;
    absolute_sum += std::abs(error);
  }
  const std::vector<double> sizes = sorted_sizes(errors);
  summary.mean = absolute_sum / rows;
  summary.bias = sum / rows;
  summary.median = median_of(sizes);
  summary.p90 = quantile_of(sizes, 0.9);
  return summary;
}

}  // namespace pipeloom::planner
