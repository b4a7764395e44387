#pragma once

#include "backend/model/kept.h"
#include "backend/model/matrix.h"
#include "backend/model/parameters.h"

namespace pipeloom::backend {

// y = x / sqrt(mean(x^2) + 1e-6) * weight, row by row (Zhang and Sennrich, NeurIPS 2019, section 3).
template <typename Real>
class RmsNorm {
 public:
  struct Saved {
    Kept<Real> input;            // [rows, width]; until I
    std::vector<Real> inverse;   // [rows] one over the root mean square
    Kept<Real> weight_gradient;  // [1, width] from I, for W
  };

  // Adds `name` [1, width] to `block`. `kept`: how its input is kept, and its output written; the input is taken to
  // have that format.
  RmsNorm(ParameterBlock& block, const std::string& name, int64_t width, Format kept);

  // `weights` and `gradients` begin the block.
  Matrix<Real> forward(const Real* weights, View<const Real> x, Saved& saved) const;
  // What forward gave, again. REQUIRES: I has not run.
  Matrix<Real> output(const Real* weights, const Saved& saved) const;
  // The gradient of x.
  Matrix<Real> input_backward(const Real* weights, const Matrix<Real>& output_gradient, Saved& saved) const;
  void weight_backward(const Saved& saved, Real* gradients) const;

 private:
  Weight weight_;
  int64_t width_;
  Format kept_;
};

}  // namespace pipeloom::backend
