#pragma once

#include "backend/model/feed_forward.h"
#include "backend/model/rms_norm.h"
#include "core/job/model.h"

namespace pipeloom::backend {

// x + feed_forward(norm(x)).
template <typename Real>
class Mlp {
 public:
  struct Saved {
    typename RmsNorm<Real>::Saved norm;
    Kept<Real> normed;  // [tokens, hidden]
    typename FeedForward<Real>::Saved inner;
  };

  Mlp(ParameterBlock& block, const Model& model, const Keeping& keeping, const Products<Real>& products)
      : keeping_(keeping),
        norm_(block, "norm", model.hidden, keeping.formats.rest),
        inner_(block, "", model.hidden, model.intermediate, model.gated_mlp, keeping, products) {}

  Matrix<Real> forward(const Real* weights, Matrix<Real> x, Saved& saved) const {  // [tokens, hidden]
    const Matrix<Real> normed = norm_.forward(weights, x.view(), saved.norm);
    if (!keeping_.selective) saved.normed = Kept<Real>(normed, keeping_.formats.cached);
    x += inner_.forward(weights, normed, saved.inner);
    return x;
  }
  Matrix<Real> input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const {
    if (keeping_.selective) {
      saved.normed = Kept<Real>(norm_.output(weights, saved.norm), keeping_.formats.mlp, Scales::kOfColumns);
    }
    const Matrix<Real> normed_gradient = inner_.input_backward(weights, output_gradient, saved.inner);
    output_gradient += norm_.input_backward(weights, normed_gradient, saved.norm);
    return output_gradient;
  }
  void weight_backward(const Saved& saved, Real* gradients) const {
    norm_.weight_backward(saved.norm, gradients);
    inner_.weight_backward(saved.inner, saved.normed.values(), gradients);
  }

 private:
  Keeping keeping_;
  RmsNorm<Real> norm_;
  FeedForward<Real> inner_;
};

}  // namespace pipeloom::backend
