#include "backend/model/feed_forward.h"

#include <cmath>

namespace pipeloom {

namespace {

// A function and its derivative at one place.
template <typename Real>
struct Slope {
  Real value;
  Real derivative;
};

template <typename Real>
Slope<Real> silu(Real x) {
  const Real sigmoid = Real{1} / (Real{1} + std::exp(-x));
  return {x * sigmoid, sigmoid * (Real{1} + x * (Real{1} - sigmoid))};
}

// Hendrycks and Gimpel, arXiv 1606.08415, section 2: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
template <typename Real>
Slope<Real> gelu(Real x) {
  const Real scale = static_cast<Real>(0.7978845608028654);
  const Real cubic = static_cast<Real>(0.044715);
  const Real t = std::tanh(scale * (x + cubic * x * x * x));
  const Real half = static_cast<Real>(0.5);
  const Real inner = scale * (Real{1} + Real{3} * cubic * x * x);
  return {half * x * (Real{1} + t), half * (Real{1} + t) + half * x * (Real{1} - t * t) * inner};
}

}  // namespace

template <typename Real>
FeedForward<Real>::FeedForward(ParameterBlock& block, const std::string& prefix, int64_t hidden, int64_t intermediate,
                               bool gated, const Products<Real>& products)
    : intermediate_(intermediate),
      gated_(gated),
      up_(block.add_product(prefix + "up", hidden, gated ? 2 * intermediate : intermediate)),
      down_(block.add_product(prefix + "down", intermediate, hidden)),
      products_(products) {}

template <typename Real>
Matrix<Real> FeedForward<Real>::activated(const Matrix<Real>& inner) const {
  Matrix<Real> result(inner.rows(), intermediate_);
  for (int64_t i = 0; i < inner.rows(); ++i) {
    const Real* in = inner.row(i);
    Real* out = result.row(i);
    for (int64_t j = 0; j < intermediate_; ++j) {
      out[j] = gated_ ? silu(in[j]).value * in[intermediate_ + j] : gelu(in[j]).value;
    }
  }
  return result;
}

template <typename Real>
Matrix<Real> FeedForward<Real>::forward(const Real* weights, Matrix<Real> input, Saved& saved) const {
  saved.input = std::move(input);
  saved.inner = products_.times(saved.input.view(), up_.of(weights));
  return products_.times(activated(saved.inner).view(), down_.of(weights));
}

template <typename Real>
Matrix<Real> FeedForward<Real>::input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const {
  const Matrix<Real> activated_gradient = products_.input_gradient(output_gradient.view(), down_.of(weights));
  saved.inner_gradient = Matrix<Real>(saved.inner.rows(), saved.inner.columns());
  for (int64_t i = 0; i < saved.inner.rows(); ++i) {
    const Real* inner = saved.inner.row(i);
    const Real* da = activated_gradient.row(i);
    Real* out = saved.inner_gradient.row(i);
    for (int64_t j = 0; j < intermediate_; ++j) {
      const Slope<Real> slope = gated_ ? silu(inner[j]) : gelu(inner[j]);
      out[j] = gated_ ? da[j] * inner[intermediate_ + j] * slope.derivative : da[j] * slope.derivative;
      if (gated_) out[intermediate_ + j] = da[j] * slope.value;
    }
  }
  saved.output_gradient = std::move(output_gradient);
  return products_.input_gradient(saved.inner_gradient.view(), up_.of(weights));
}

template <typename Real>
void FeedForward<Real>::weight_backward(const Saved& saved, Real* gradients) const {
  products_.add_weight_gradient(saved.input.view(), saved.inner_gradient.view(), up_.of(gradients));
  products_.add_weight_gradient(activated(saved.inner).view(), saved.output_gradient.view(), down_.of(gradients));
}

template class FeedForward<float>;
template class FeedForward<double>;

}  // namespace pipeloom
