#pragma once

#include "backend/model/keeping.h"
#include "backend/model/kept.h"
#include "backend/model/parameters.h"
#include "backend/model/products.h"

namespace pipeloom::backend {

// SwiGLU (Shazeer, arXiv 2002.05202): (silu(x g) * (x u)) d; or GELU (tanh form): gelu(x u) d. An MLP without its norm
// and residual, and what an expert is.
template <typename Real>
class FeedForward {
 public:
  struct Saved {
    Kept<Real> inner;      // [rows, up width] before the activation function; until I
    Kept<Real> activated;  // [rows, intermediate]
    // From I, for W.
    Kept<Real> inner_gradient;   // [rows, up width]
    Kept<Real> output_gradient;  // [rows, hidden]
  };

  // Adds `prefix`up [hidden, up width] and `prefix`down [intermediate, hidden] to `block`. The up width is
  // 2 * intermediate where gated (gate, then up), else intermediate.
  FeedForward(ParameterBlock& block, const std::string& prefix, int64_t hidden, int64_t intermediate, bool gated,
              const Keeping& keeping, const Products<Real>& products);

  Matrix<Real> forward(const Real* weights, const Matrix<Real>& input, Saved& saved) const;
  Matrix<Real> input_backward(const Real* weights, const Matrix<Real>& output_gradient, Saved& saved) const;
  // The same where each row of the output was multiplied by a weight, which becomes its gradient.
  Matrix<Real> input_backward(const Real* weights, Matrix<Real> output_gradient, std::span<Real> row_weights,
                              Saved& saved) const;
  // `input` as in F.
  void weight_backward(const Saved& saved, const Matrix<Real>& input, Real* gradients) const;

 private:
  Matrix<Real> activated(const Matrix<Real>& inner) const;
  void keep_activated(Matrix<Real> active, Saved& saved) const;
  Matrix<Real> through_activation(const Real* weights, const Matrix<Real>& inner,
                                  const Matrix<Real>& activated_gradient, const Matrix<Real>& output_gradient,
                                  Saved& saved) const;

  int64_t intermediate_;
  bool gated_;
  Keeping keeping_;
  Weight up_;
  Weight down_;
  const Products<Real>& products_;
};

}  // namespace pipeloom::backend
