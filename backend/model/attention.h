#pragma once

#include "backend/model/arithmetic.h"
#include "backend/model/attention_core.h"
#include "backend/model/keeping.h"
#include "backend/model/rms_norm.h"
#include "backend/model/rope.h"
#include "core/job/model.h"

namespace pipeloom::backend {

// x + attention(norm(x)): multi-head or grouped-query attention with rotary or learned positions.
template <typename Real>
class Attention {
 public:
  struct Saved {
    typename RmsNorm<Real>::Saved norm;
    Kept<Real> normed;           // [tokens, hidden]
    Kept<Real> query_key_value;  // [tokens, heads * d + kv_heads * (d + value_dim)], queries and keys turned; until I
    Kept<Real> statistics;       // [tokens, heads] of the core; until I
    Kept<Real> core;             // [tokens, heads * value_dim]
    // From I, for W.
    Kept<Real> query_key_value_gradient;
    Kept<Real> output_gradient;  // [tokens, hidden]
  };

  // REQUIRES: the attention is not MLA.
  Attention(ParameterBlock& block, const Model& model, int64_t sequence, const Keeping& keeping,
            const Arithmetic<Real>& arithmetic);

  Matrix<Real> forward(const Real* weights, Matrix<Real> x, Saved& saved) const;  // [tokens, hidden]
  Matrix<Real> input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const;
  void weight_backward(const Saved& saved, Real* gradients) const;

 private:
  // `rotate` on every head of queries and keys.
  template <typename Rotate>
  void for_each_turned_head(View<Real> query_key_value, const Rotate& rotate) const;
  typename AttentionCore<Real>::Inputs core_inputs(View<const Real> query_key_value) const;

  int64_t query_width_;
  int64_t key_width_;
  int64_t value_width_;
  int64_t turned_heads_;  // heads + kv_heads; 0: positions are learned
  int64_t head_dim_;
  Keeping keeping_;
  RmsNorm<Real> norm_;
  Weight query_key_value_;
  Weight output_;
  Rope<Real> rope_;
  AttentionCore<Real> core_;
  const Products<Real>& products_;
};

}  // namespace pipeloom::backend
