#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace pipeloom::planner {

// Constants x (logarithms of factors) that make rows' errors small and stay near what was known before.
struct FitProblem {
  struct Constant {
    double known = 0;   // its value before the fit
    double spread = 0;  // standard deviation around it, above 0
    double least = 0;
    double most = 0;
  };
  std::vector<Constant> constants;
  size_t rows = 0;
  // ln(predicted / measured) of a row. Called from several threads.
  std::function<double(size_t row, std::span<const double> x)> error;
  // Whether a constant can change a row at all.
  std::function<bool(size_t constant, size_t row)> concerns;
};

// Minimises the sum of pseudo-Huber losses of the errors, whose scale is 5 %, and of squared distances from what is
// known, in standard deviations: Gauss-Newton with reweighting.
class RegularisedFit {
 public:
  // REQUIRES: `problem` outlives this object.
  explicit RegularisedFit(const FitProblem& problem) : problem_(problem) {}

  // Returns the constants for these weights of the rows, from `start` on. Derivatives are taken again only where the
  // constants went far from where they were taken last.
  std::vector<double> fit(const std::vector<double>& weights, std::vector<double> start);

 private:
  struct Slopes {
    std::vector<double> at;      // constants
    std::vector<double> values;  // [row][constant]
  };
  const Slopes& slopes_near(const std::vector<double>& x);

  const FitProblem& problem_;
  std::vector<Slopes> known_slopes_;
};

}  // namespace pipeloom::planner
