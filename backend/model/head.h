#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/model/keeping.h"
#include "backend/model/products.h"
#include "backend/model/rms_norm.h"
#include "core/job/model.h"

namespace pipeloom::backend {

// The last norm, the logits and the cross-entropy against the next token.
template <typename Real>
class Head {
 public:
  struct Saved {
    typename RmsNorm<Real>::Saved norm;
    Kept<Real> normed;           // [tokens, hidden]
    Kept<Real> probabilities;    // [tokens, vocabulary]; until I
    Kept<Real> logits_gradient;  // the same from I, for W, as its product has it
    std::vector<int32_t> targets;
  };

  // Gradients are those of `loss_scale` times the sum of the tokens' losses.
  Head(ParameterBlock& block, const Model& model, double loss_scale, const Keeping& keeping,
       const Products<Real>& products);

  // The sum of the tokens' losses.
  // `logits` [hidden, vocabulary].
  double forward(const Real* weights, const Real* logits, const Matrix<Real>& x, std::span<const int32_t> targets,
                 Saved& saved) const;
  Matrix<Real> input_backward(const Real* weights, const Real* logits, Saved& saved) const;
  void weight_backward(const Saved& saved, Real* gradients, Real* logits_gradients) const;

 private:
  Real loss_scale_;
  Format kept_;
  RmsNorm<Real> norm_;
  Weight weight_;  // [hidden, vocabulary]
  const Products<Real>& products_;
};

}  // namespace pipeloom::backend
