#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/model/keeping.h"
#include "backend/model/products.h"
#include "backend/model/rms_norm.h"
#include "core/job/model.h"

namespace pipeloom::backend {

// What a multi-token prediction module makes its layer's input of: the projection of [norm(hidden), norm(embedding of a
// token ahead)] (DeepSeek-V3 report, arXiv 2412.19437, equation 21).
template <typename Real>
class MtpInput {
 public:
  struct Saved {
    std::vector<int32_t> tokens;
    typename RmsNorm<Real>::Saved hidden_norm;
    typename RmsNorm<Real>::Saved embedding_norm;
    Kept<Real> normed;  // [tokens, 2 * hidden]
    // From I, for W.
    Kept<Real> output_gradient;     // [tokens, hidden]
    Kept<Real> embedding_gradient;  // [tokens, hidden]
  };

  MtpInput(ParameterBlock& block, const Model& model, const Keeping& keeping, const Products<Real>& products);

  // `table` [vocabulary, hidden]: the embedding of the main model. `tokens`: the ones ahead.
  Matrix<Real> forward(const Real* weights, const Real* table, const Matrix<Real>& hidden,
                       std::span<const int32_t> tokens, Saved& saved) const;
  // The gradient of `hidden`.
  Matrix<Real> input_backward(const Real* weights, const Matrix<Real>& output_gradient, Saved& saved) const;
  void weight_backward(const Saved& saved, Real* gradients, Real* table_gradients) const;

 private:
  Matrix<Real> joined(const Matrix<Real>& hidden, const Matrix<Real>& embedding) const;

  int64_t hidden_;
  Keeping keeping_;
  RmsNorm<Real> hidden_norm_;
  RmsNorm<Real> embedding_norm_;
  Weight projection_;  // [2 * hidden, hidden]
  const Products<Real>& products_;
};

}  // namespace pipeloom::backend
