#include "backend/model/rms_norm.h"

#include <algorithm>
#include <cmath>

namespace pipeloom::backend {

namespace {

constexpr double kEpsilon = 1e-6;  // Llama's: keeps a row of zeros finite

}  // namespace

template <typename Real>
RmsNorm<Real>::RmsNorm(ParameterBlock& block, const std::string& name, int64_t width, Format kept)
    : weight_(block.add({name, 1, width, 0})), width_(width), kept_(kept) {}

template <typename Real>
Matrix<Real> RmsNorm<Real>::forward(const Real* weights, View<const Real> x, Saved& saved) const {
  Matrix<Real> input(x.rows, width_);
  saved.inverse.resize(x.rows);
  for (int64_t i = 0; i < x.rows; ++i) {
    std::copy_n(x.row(i), width_, input.row(i));
    Real squares = 0;
    for (int64_t j = 0; j < width_; ++j) squares += x.row(i)[j] * x.row(i)[j];
    saved.inverse[i] = Real{1} / std::sqrt(squares / static_cast<Real>(width_) + static_cast<Real>(kEpsilon));
  }
  saved.input = Kept<Real>(input, kept_);
  return output(weights, saved);
}

template <typename Real>
Matrix<Real> RmsNorm<Real>::output(const Real* weights, const Saved& saved) const {
  const Real* weight = weight_.of(weights).data;
  Matrix<Real> y = saved.input.values();
  for (int64_t i = 0; i < y.rows(); ++i) {
    for (int64_t j = 0; j < width_; ++j) y.row(i)[j] = y.row(i)[j] * saved.inverse[i] * weight[j];
  }
  round_to(y, kept_);
  return y;
}

template <typename Real>
Matrix<Real> RmsNorm<Real>::input_backward(const Real* weights, const Matrix<Real>& output_gradient,
                                           Saved& saved) const {
  const Real* weight = weight_.of(weights).data;
  const Matrix<Real> input = saved.input.values();
  Matrix<Real> dx(output_gradient.rows(), width_);
  Matrix<Real> weight_gradient(1, width_);
  for (int64_t i = 0; i < dx.rows(); ++i) {
    const Real* dy = output_gradient.row(i);
    const Real* x = input.row(i);
    const Real inverse = saved.inverse[i];
    Real along = 0;  // what of the gradient only scales the row
    for (int64_t j = 0; j < width_; ++j) along += dy[j] * weight[j] * (x[j] * inverse);
    along /= static_cast<Real>(width_);
    for (int64_t j = 0; j < width_; ++j) {
      const Real normalised = x[j] * inverse;
      dx.row(i)[j] = inverse * (dy[j] * weight[j] - normalised * along);
      weight_gradient.row(0)[j] += dy[j] * normalised;
    }
  }
  saved.weight_gradient = Kept<Real>(weight_gradient, Format::kFp32);
  saved.input = {};
  return dx;
}

template <typename Real>
void RmsNorm<Real>::weight_backward(const Saved& saved, Real* gradients) const {
  Real* gradient = weight_.of(gradients).data;
  const Matrix<Real> sum = saved.weight_gradient.values();
  for (int64_t j = 0; j < width_; ++j) gradient[j] += sum.row(0)[j];
}

template class RmsNorm<float>;
template class RmsNorm<double>;

}  // namespace pipeloom::backend
