#include "backend/model/rms_norm.h"

#include <cmath>

namespace pipeloom {

namespace {

constexpr double kEpsilon = 1e-6;  // Llama's: keeps a row of zeros finite

}  // namespace

template <typename Real>
RmsNorm<Real>::RmsNorm(ParameterBlock& block, const std::string& name, int64_t width)
    : weight_(block.add({name, 1, width, 0})), width_(width) {}

template <typename Real>
Matrix<Real> RmsNorm<Real>::forward(const Real* weights, View<const Real> x, Saved& saved) const {
  saved.normalised = Matrix<Real>(x.rows, width_);
  saved.inverse.resize(x.rows);
  for (int64_t i = 0; i < x.rows; ++i) {
    Real squares = 0;
    for (int64_t j = 0; j < width_; ++j) squares += x.row(i)[j] * x.row(i)[j];
    const Real inverse = Real{1} / std::sqrt(squares / static_cast<Real>(width_) + static_cast<Real>(kEpsilon));
    saved.inverse[i] = inverse;
    for (int64_t j = 0; j < width_; ++j) saved.normalised.row(i)[j] = x.row(i)[j] * inverse;
  }
  return output(weights, saved);
}

template <typename Real>
Matrix<Real> RmsNorm<Real>::output(const Real* weights, const Saved& saved) const {
  const Real* weight = weight_.of(weights).data;
  Matrix<Real> y(saved.normalised.rows(), width_);
  for (int64_t i = 0; i < y.rows(); ++i) {
    for (int64_t j = 0; j < width_; ++j) y.row(i)[j] = saved.normalised.row(i)[j] * weight[j];
  }
  return y;
}

template <typename Real>
Matrix<Real> RmsNorm<Real>::input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const {
  const Real* weight = weight_.of(weights).data;
  Matrix<Real> dx(output_gradient.rows(), width_);
  for (int64_t i = 0; i < dx.rows(); ++i) {
    const Real* dy = output_gradient.row(i);
    const Real* normalised = saved.normalised.row(i);
    Real along = 0;  // what of the gradient only scales the row
    for (int64_t j = 0; j < width_; ++j) along += dy[j] * weight[j] * normalised[j];
    along /= static_cast<Real>(width_);
    for (int64_t j = 0; j < width_; ++j) {
      dx.row(i)[j] = saved.inverse[i] * (dy[j] * weight[j] - normalised[j] * along);
    }
  }
  saved.output_gradient = std::move(output_gradient);
  return dx;
}

template <typename Real>
void RmsNorm<Real>::weight_backward(const Saved& saved, Real* gradients) const {
  Real* gradient = weight_.of(gradients).data;
  for (int64_t i = 0; i < saved.normalised.rows(); ++i) {
    for (int64_t j = 0; j < width_; ++j) {
      gradient[j] += saved.output_gradient.row(i)[j] * saved.normalised.row(i)[j];
    }
  }
}

template class RmsNorm<float>;
template class RmsNorm<double>;

}  // namespace pipeloom
