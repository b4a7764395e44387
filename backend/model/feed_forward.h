#pragma once

#include "backend/model/parameters.h"
#include "backend/model/products.h"

namespace pipeloom {

// SwiGLU (Shazeer, arXiv 2002.05202): (silu(x g) * (x u)) d; or GELU (tanh form): gelu(x u) d. An MLP without its norm
// and residual, and what an expert is.
template <typename Real>
class FeedForward {
 public:
  struct Saved {
    Matrix<Real> input;            // [rows, hidden]
    Matrix<Real> inner;            // [rows, up width] before the activation function
    Matrix<Real> inner_gradient;   // [rows, up width] from I, for W
    Matrix<Real> output_gradient;  // [rows, hidden]
  };

  // Adds `prefix`up [hidden, up width] and `prefix`down [intermediate, hidden] to `block`. The up width is
  // 2 * intermediate where gated (gate, then up), else intermediate.
  FeedForward(ParameterBlock& block, const std::string& prefix, int64_t hidden, int64_t intermediate, bool gated,
              const Products<Real>& products);

  Matrix<Real> forward(const Real* weights, Matrix<Real> input, Saved& saved) const;
  Matrix<Real> input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const;
  void weight_backward(const Saved& saved, Real* gradients) const;

 private:
  Matrix<Real> activated(const Matrix<Real>& inner) const;

  int64_t intermediate_;
  bool gated_;
  Weight up_;
  Weight down_;
  const Products<Real>& products_;
};

}  // namespace pipeloom
