#pragma once

#include "backend/model/gate.h"
#include "backend/model/rms_norm.h"

namespace pipeloom {

// The norm before the experts, and the gate.
template <typename Real>
class Router {
 public:
  struct Saved {
    typename RmsNorm<Real>::Saved norm;
    typename Gate<Real>::Saved gate;
  };
  struct Output {
    Matrix<Real> normed;  // [tokens, hidden]
    Routing<Real> routing;
  };

  Router(ParameterBlock& block, const Model& model, const Products<Real>& products)
      : norm_(block, "norm", model.hidden), gate_(block, model, products) {}

  Output forward(const Real* weights, const Matrix<Real>& x, Saved& saved) const {
    Output output;
    output.normed = norm_.forward(weights, x.view(), saved.norm);
    output.routing = gate_.forward(weights, output.normed, saved.gate);
    return output;
  }
  // The gradient of x by way of the experts and the gate. `gradient.routing` holds that of the weights.
  Matrix<Real> input_backward(const Real* weights, Output gradient, Saved& saved) const {
    gradient.normed += gate_.input_backward(weights, gradient.routing.weights, saved.gate);
    return norm_.input_backward(weights, std::move(gradient.normed), saved.norm);
  }
  void weight_backward(const Saved& saved, Real* gradients) const {
    norm_.weight_backward(saved.norm, gradients);
    gate_.weight_backward(saved.gate, gradients);
  }

  // Between F and I, what is cheap to compute again is left out: the norm.
  void forget(Saved& saved) const { saved.gate.input = {}; }
  void recall(const Real* weights, Saved& saved) const { saved.gate.input = norm_.output(weights, saved.norm); }

 private:
  RmsNorm<Real> norm_;
  Gate<Real> gate_;
};

}  // namespace pipeloom
