#include "backend/model/feed_forward.h"

#include <cmath>

namespace pipeloom::backend {

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
                               bool gated, const Keeping& keeping, const Products<Real>& products)
    : intermediate_(intermediate),
      gated_(gated),
      keeping_(keeping),
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

// What goes into the activation function and what comes out is rounded as kernels write it, so that it is the same
// again in I. W needs what comes out, which selective recomputation makes in I.
template <typename Real>
Matrix<Real> FeedForward<Real>::forward(const Real* weights, const Matrix<Real>& input, Saved& saved) const {
  const Formats& formats = keeping_.formats;
  const auto inner = rounded_to(products_.times(input.view(), up_.of(weights)), formats.rest);
  const Matrix<Real> active = rounded_to(activated(inner), formats.rest);
  saved.inner = Kept<Real>(inner, formats.cached);
  if (!keeping_.selective) saved.activated = Kept<Real>(active, formats.cached);
  return products_.times(active.view(), down_.of(weights));
}

template <typename Real>
void FeedForward<Real>::keep_activated(Matrix<Real> active, Saved& saved) const {
  const Formats& formats = keeping_.formats;
  saved.activated = Kept<Real>(rounded_to(std::move(active), formats.rest), formats.mlp, Scales::kOfColumns);
}

template <typename Real>
Matrix<Real> FeedForward<Real>::input_backward(const Real* weights, const Matrix<Real>& output_gradient,
                                               Saved& saved) const {
  const Matrix<Real> activated_gradient = products_.input_gradient(output_gradient.view(), down_.of(weights));
  const Matrix<Real> inner = saved.inner.values();
  if (keeping_.selective) keep_activated(activated(inner), saved);
  return through_activation(weights, inner, activated_gradient, output_gradient, saved);
}

// The gradient of a weight is the row's output times the output's gradient; through the last product, the activated row
// times the activated row's gradient: no output has to be kept.
template <typename Real>
Matrix<Real> FeedForward<Real>::input_backward(const Real* weights, Matrix<Real> output_gradient,
                                               std::span<Real> row_weights, Saved& saved) const {
  Matrix<Real> activated_gradient = products_.input_gradient(output_gradient.view(), down_.of(weights));
  const Matrix<Real> inner = saved.inner.values();
  const Matrix<Real> active = activated(inner);
  for (int64_t i = 0; i < active.rows(); ++i) {
    const Real weight = row_weights[i];
    Real sum = 0;
    for (int64_t j = 0; j < intermediate_; ++j) {
      sum += active.row(i)[j] * activated_gradient.row(i)[j];
      activated_gradient.row(i)[j] *= weight;
    }
    row_weights[i] = sum;
    for (int64_t j = 0; j < output_gradient.columns(); ++j) output_gradient.row(i)[j] *= weight;
  }
  if (keeping_.selective) keep_activated(active, saved);
  return through_activation(weights, inner, activated_gradient, output_gradient, saved);
}

template <typename Real>
Matrix<Real> FeedForward<Real>::through_activation(const Real* weights, const Matrix<Real>& inner,
                                                   const Matrix<Real>& activated_gradient,
                                                   const Matrix<Real>& output_gradient, Saved& saved) const {
  Matrix<Real> inner_gradient(inner.rows(), inner.columns());
  for (int64_t i = 0; i < inner.rows(); ++i) {
    const Real* in = inner.row(i);
    const Real* da = activated_gradient.row(i);
    Real* out = inner_gradient.row(i);
    for (int64_t j = 0; j < intermediate_; ++j) {
      const Slope<Real> slope = gated_ ? silu(in[j]) : gelu(in[j]);
      out[j] = gated_ ? da[j] * in[intermediate_ + j] * slope.derivative : da[j] * slope.derivative;
      if (gated_) out[intermediate_ + j] = da[j] * slope.value;
    }
  }
  saved.inner = {};
  round_to(inner_gradient, keeping_.formats.rest);
  saved.inner_gradient = Kept<Real>(inner_gradient, keeping_.formats.mlp, Scales::kOfColumns);
  saved.output_gradient = Kept<Real>(output_gradient, keeping_.formats.mlp, Scales::kOfColumns);
  return products_.input_gradient(inner_gradient.view(), up_.of(weights));
}

template <typename Real>
void FeedForward<Real>::weight_backward(const Saved& saved, const Matrix<Real>& input, Real* gradients) const {
  products_.add_weight_gradient(input.view(), saved.inner_gradient.values().view(), up_.of(gradients));
  products_.add_weight_gradient(saved.activated.values().view(), saved.output_gradient.values().view(),
                                down_.of(gradients));
}

template class FeedForward<float>;
template class FeedForward<double>;

}  // namespace pipeloom::backend
