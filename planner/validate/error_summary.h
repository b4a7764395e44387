#pragma once

#include <cstddef>
#include <vector>

namespace pipeloom::planner {

// Relative errors (predicted / measured - 1) in four numbers; all but the bias are of absolute values.
struct ErrorSummary {
  size_t rows = 0;
  double median = 0;
  double mean = 0;
  double p90 = 0;  // the least error that nine tenths of the rows stay within
  double bias = 0;

  bool operator==(const ErrorSummary&) const = default;
};

// The least error that this share of the rows stays within, of absolute values; 0 if there are no errors.
double absolute_quantile(const std::vector<double>& errors, double share);

// Zeros if there are no errors.
ErrorSummary summary_of(const std::vector<double>& errors);

}  // namespace pipeloom::planner
