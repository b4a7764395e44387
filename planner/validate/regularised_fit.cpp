#include "planner/validate/regularised_fit.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <utility>

namespace pipeloom::planner {

namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using SlopeMatrix = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

constexpr double kScale = 0.05;  // errors beyond it count linearly
constexpr double kStep = 0.03;   // of a logarithm, for derivatives
constexpr double kNear = 0.15;   // how far derivatives hold
constexpr int kMostSteps = 25;
constexpr double kConverged = 5e-4;

// Calls work(row) for every row, on all cores.
template <typename Work>
void for_each_row(size_t rows, const Work& work) {
  std::atomic<size_t> next = 0;
  const auto take = [&] {
    for (size_t row = next++; row < rows; row = next++) work(row);
  };
  std::vector<std::jthread> helpers;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i) helpers.emplace_back(take);
  take();
}

VectorXd errors_at(const FitProblem& problem, const std::vector<double>& weights, const std::vector<double>& x) {
  VectorXd errors = VectorXd::Zero(static_cast<Eigen::Index>(weights.size()));
  for_each_row(weights.size(), [&](size_t row) {
    if (weights[row] > 0) errors[static_cast<Eigen::Index>(row)] = problem.error(row, x);
  });
  return errors;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

double loss(const FitProblem& problem, const std::vector<double>& weights, const VectorXd& errors,
            const std::vector<double>& x) {
  double sum = 0;
  for (size_t row = 0; row < weights.size(); ++row) {
    const double e = errors[static_cast<Eigen::Index>(row)] / kScale;
    sum += weights[row] * 2 * (std::sqrt(1 + e * e) - 1);
  }
  for (size_t i = 0; i < x.size(); ++i) {
    const double away = (x[i] - problem.constants[i].known) / problem.constants[i].spread;
    sum += away * away;
  }
  return sum;
}

// The step to the minimum of the loss with errors taken as linear, each row weighted by how far it is off.
VectorXd newton_step(const FitProblem& problem, const std::vector<double>& weights, const VectorXd& errors,
                     const SlopeMatrix& slopes, const std::vector<double>& x) {
  VectorXd stiffness(errors.size());
  for (Eigen::Index row = 0; row < errors.size(); ++row) {
    const double e = errors[row] / kScale;
    stiffness[row] = weights[static_cast<size_t>(row)] / (kScale * kScale * std::sqrt(1 + e * e));
  }
  MatrixXd normal = slopes.transpose() * stiffness.asDiagonal() * slopes;
  VectorXd right = -slopes.transpose() * stiffness.cwiseProduct(errors);
  for (size_t i = 0; i < x.size(); ++i) {
    const auto k = static_cast<Eigen::Index>(i);
    const FitProblem::Constant& constant = problem.constants[i];
    const double drawn = 1 / (constant.spread * constant.spread);
    normal(k, k) += drawn;
    right[k] -= drawn * (x[i] - constant.known);
  }
  return normal.ldlt().solve(right);
}

std::vector<double> moved(const FitProblem& problem, const std::vector<double>& x, const VectorXd& step, double share) {
  std::vector<double> to = x;
  for (size_t i = 0; i < x.size(); ++i) {
    to[i] = std::clamp(x[i] + share * step[static_cast<Eigen::Index>(i)], problem.constants[i].least,
                       problem.constants[i].most);
  }
  return to;
}

}  // namespace

const RegularisedFit::Slopes& RegularisedFit::slopes_near(const std::vector<double>& x) {
  for (const Slopes& known : known_slopes_) {
    if (distance(known.at, x) < kNear) return known;
  }
  Slopes slopes = {x, std::vector<double>(problem_.rows * x.size())};
  for_each_row(problem_.rows, [&](size_t row) {
    const double here = problem_.error(row, x);
    std::vector<double> there = x;
    for (size_t constant = 0; constant < x.size(); ++constant) {
      if (!problem_.concerns(constant, row)) continue;
      there[constant] += kStep;
      slopes.values[row * x.size() + constant] = (problem_.error(row, there) - here) / kStep;
      there[constant] = x[constant];
    }
  });
  return known_slopes_.emplace_back(std::move(slopes));
}

std::vector<double> RegularisedFit::fit(const std::vector<double>& weights, std::vector<double> start) {
  std::vector<double> x = std::move(start);
  VectorXd errors = errors_at(problem_, weights, x);
  double least = loss(problem_, weights, errors, x);
  for (int i = 0; i < kMostSteps; ++i) {
    const SlopeMatrix slopes(slopes_near(x).values.data(), errors.size(), static_cast<Eigen::Index>(x.size()));
    const VectorXd step = newton_step(problem_, weights, errors, slopes, x);
    for (double share = 1;; share /= 2) {
      const std::vector<double> to = moved(problem_, x, step, share);
      const double went = distance(to, x);
      if (went < kConverged) return x;
      VectorXd errors_there = errors_at(problem_, weights, to);
      const double there = loss(problem_, weights, errors_there, to);
      if (there >= least) continue;
      x = to;
      errors = std::move(errors_there);
      least = there;
      break;
    }
  }
  return x;
}

}  // namespace pipeloom::planner
