#include "planner/validate/error_summary.h"

#include <algorithm>
#include <cmath>

namespace pipeloom::planner {

namespace {

double median_of(const std::vector<double>& sorted) {
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double quantile_of(const std::vector<double>& sorted, double share) {
  const auto needed = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(needed, 1) - 1];
}

}  // namespace

ErrorSummary summary_of(const std::vector<double>& errors) {
  ErrorSummary summary;
  summary.rows = errors.size();
  if (errors.empty()) return summary;
  std::vector<double> sizes;
  for (const double error : errors) {
    sizes.push_back(std::abs(error));
    summary.mean += std::abs(error) / static_cast<double>(errors.size());
    summary.bias += error / static_cast<double>(errors.size());
  }
  std::ranges::sort(sizes);
  summary.median = median_of(sizes);
  summary.p90 = quantile_of(sizes, 0.9);
  return summary;
}

}  // namespace pipeloom::planner
