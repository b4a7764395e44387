#include "planner/validate/regularised_fit.h"

#include <gtest/gtest.h>

#include <cmath>

namespace pipeloom::planner {
namespace {

// Rows whose errors are sums of constants away from `truth`: every row has its own mixture.
struct Lines {
  std::vector<double> truth;
  size_t rows = 40;
  std::vector<double> outliers = {};  // added to the first rows

  double share(size_t row, size_t constant) const {
    return std::fmod(static_cast<double>((row + 1) * (constant + 3)) * 0.37, 1.0);
  }
  FitProblem problem(double spread) const {
    FitProblem problem;
    problem.rows = rows;
    problem.constants.assign(truth.size(), {.known = 0, .spread = spread, .least = -1, .most = 1});
    problem.error = [this](size_t row, std::span<const double> x) {
      double error = row < outliers.size() ? outliers[row] : 0;
      for (size_t i = 0; i < x.size(); ++i) error += share(row, i) * (x[i] - truth[i]);
      return error;
    };
    problem.concerns = [](size_t, size_t) { return true; };
    return problem;
  }
};

TEST(RegularisedFit, FindsWhatRowsDetermine) {
  const Lines lines = {.truth = {0.3, -0.2, 0.1}};
  const FitProblem problem = lines.problem(10);
  const auto x = RegularisedFit(problem).fit(std::vector<double>(40, 1), {0, 0, 0});
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], lines.truth[i], 2e-3);
}

TEST(RegularisedFit, StaysWhereItWasWithoutRows) {
  const Lines lines = {.truth = {0.3, -0.2}};
  FitProblem problem = lines.problem(0.1);
  problem.constants[1].known = 0.05;
  const auto x = RegularisedFit(problem).fit(std::vector<double>(40, 0), {0.2, 0.2});
  EXPECT_NEAR(x[0], 0, 1e-3);
  EXPECT_NEAR(x[1], 0.05, 1e-3);
}

TEST(RegularisedFit, AFewWildRowsCountLittle) {
  const Lines wild = {.truth = {0.3, -0.2}, .outliers = {3, 3, 3}};
  const FitProblem problem = wild.problem(10);
  const auto x = RegularisedFit(problem).fit(std::vector<double>(40, 1), {0, 0});
  EXPECT_NEAR(x[0], 0.3, 0.05);
  EXPECT_NEAR(x[1], -0.2, 0.05);
}

TEST(RegularisedFit, KeepsToTheLimits) {
  const Lines lines = {.truth = {0.3}};
  FitProblem problem = lines.problem(10);
  problem.constants[0].most = 0.1;
  EXPECT_NEAR(RegularisedFit(problem).fit(std::vector<double>(40, 1), {0}).front(), 0.1, 1e-9);
}

}  // namespace
}  // namespace pipeloom::planner
