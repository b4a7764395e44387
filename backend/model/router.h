#pragma once

#include <memory>

#include "backend/model/gate.h"
#include "backend/model/keeping.h"
#include "backend/model/rms_norm.h"

namespace pipeloom::backend {

// The norm before the experts, and the gate.
template <typename Real>
class Router {
 public:
  struct Saved {
    typename RmsNorm<Real>::Saved norm;
    std::shared_ptr<const Kept<Real>> normed;  // [tokens, hidden]; the shared expert's too
    typename Gate<Real>::Saved gate;
  };
  struct Output {
    Matrix<Real> normed;  // [tokens, hidden]
    Routing<Real> routing;
  };

  Router(ParameterBlock& block, const Model& model, const BalanceShape& balance, const Keeping& keeping,
         const Products<Real>& products)
      : keeping_(keeping),
        norm_(block, "norm", model.hidden, keeping.formats.rest),
        gate_(block, model, balance, products, keeping.formats.rest) {}

  Output forward(const Real* weights, const Matrix<Real>& x, Saved& saved) const {
    Output output;
    output.normed = norm_.forward(weights, x.view(), saved.norm);
    output.routing = gate_.forward(weights, output.normed, saved.gate);
    if (!keeping_.selective) saved.normed = std::make_shared<Kept<Real>>(output.normed, keeping_.formats.cached);
    return output;
  }
  // What F gave the experts, as it was kept or is computed again, for I and W. REQUIRES: I has not run, or this has.
  const std::shared_ptr<const Kept<Real>>& normed(const Real* weights, Saved& saved) const {
    if (!saved.normed) {
      saved.normed =
          std::make_shared<Kept<Real>>(norm_.output(weights, saved.norm), keeping_.formats.mlp, Scales::kOfColumns);
    }
    return saved.normed;
  }
  double balance_loss(const Saved& saved) const { return gate_.balance_loss(saved.gate); }
  // The gradient of x by way of the experts and the gate. `gradient.routing` holds that of the weights.
  Matrix<Real> input_backward(const Real* weights, Output gradient, Saved& saved) const {
    normed(weights, saved);
    gradient.normed += gate_.input_backward(weights, gradient.routing.weights, saved.gate);
    return norm_.input_backward(weights, gradient.normed, saved.norm);
  }
  void weight_backward(const Saved& saved, Real* gradients) const {
    norm_.weight_backward(saved.norm, gradients);
    gate_.weight_backward(saved.gate, saved.normed->values(), gradients);
  }

 private:
  Keeping keeping_;
  RmsNorm<Real> norm_;
  Gate<Real> gate_;
};

}  // namespace pipeloom::backend
