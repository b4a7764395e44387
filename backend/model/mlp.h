#pragma once

#include "backend/model/feed_forward.h"
#include "backend/model/rms_norm.h"
#include "core/model.h"

namespace pipeloom {

// x + feed_forward(norm(x)).
template <typename Real>
class Mlp {
 public:
  struct Saved {
    typename RmsNorm<Real>::Saved norm;
    typename FeedForward<Real>::Saved inner;
  };

  Mlp(ParameterBlock& block, const Model& model, const Products<Real>& products)
      : norm_(block, "norm", model.hidden),
        inner_(block, "", model.hidden, model.intermediate, model.gated_mlp, products) {}

  Matrix<Real> forward(const Real* weights, Matrix<Real> x, Saved& saved) const {  // [tokens, hidden]
    x += inner_.forward(weights, norm_.forward(weights, x.view(), saved.norm), saved.inner);
    return x;
  }
  Matrix<Real> input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const {
    Matrix<Real> normed_gradient = inner_.input_backward(weights, output_gradient, saved.inner);
    output_gradient += norm_.input_backward(weights, std::move(normed_gradient), saved.norm);
    return output_gradient;
  }
  void weight_backward(const Saved& saved, Real* gradients) const {
    norm_.weight_backward(saved.norm, gradients);
    inner_.weight_backward(saved.inner, gradients);
  }

  // Between F and I, what is cheap to compute again is left out: the norm. (What the activation function gives is never
  // kept.)
  void forget(Saved& saved) const { saved.inner.input = {}; }
  void recall(const Real* weights, Saved& saved) const { saved.inner.input = norm_.output(weights, saved.norm); }

 private:
  RmsNorm<Real> norm_;
  FeedForward<Real> inner_;
};

}  // namespace pipeloom
