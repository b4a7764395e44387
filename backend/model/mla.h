#pragma once

#include <optional>

#include "backend/model/arithmetic.h"
#include "backend/model/attention_core.h"
#include "backend/model/keeping.h"
#include "backend/model/rms_norm.h"
#include "backend/model/rope.h"
#include "core/job/model.h"

namespace pipeloom::backend {

// x + attention(norm(x)) with compressed keys and values, DeepSeek's multi-head latent attention (arXiv 2405.04434,
// equations 9 to 19): queries, keys and values are made from normed low-rank rows; each head's query and key is a part
// without positions and a rotary part, and all heads share the rotary part of the key.
template <typename Real>
class Mla {
 public:
  struct Saved {
    typename RmsNorm<Real>::Saved norm;
    typename RmsNorm<Real>::Saved query_norm;
    typename RmsNorm<Real>::Saved latent_norm;
    Kept<Real> normed;        // [tokens, hidden]
    Kept<Real> query_latent;  // [tokens, q rank]; empty without query compression
    Kept<Real> latent;        // [tokens, kv rank]
    Kept<Real> core;          // [tokens, heads * value_dim]
    // Until I.
    Kept<Real> shared_key;  // [tokens, rope] turned, of all heads
    Kept<Real> query;       // [tokens, heads * (d + rope)] turned
    Kept<Real> key;         // the same
    Kept<Real> value;       // [tokens, heads * value_dim]
    Kept<Real> statistics;  // [tokens, heads] of the core
    // From I, for W.
    Kept<Real> query_gradient;
    Kept<Real> query_down_gradient;  // [tokens, q rank]
    Kept<Real> up_gradient;          // [tokens, heads * (d + value_dim)]
    Kept<Real> down_gradient;        // [tokens, kv rank + rope]
    Kept<Real> output_gradient;      // [tokens, hidden]
  };

  // REQUIRES: the attention is MLA.
  Mla(ParameterBlock& block, const Model& model, int64_t sequence, const Keeping& keeping,
      const Arithmetic<Real>& arithmetic);

  Matrix<Real> forward(const Real* weights, Matrix<Real> x, Saved& saved) const;
  Matrix<Real> input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const;
  void weight_backward(const Saved& saved, Real* gradients) const;

 private:
  // What F computes on the way to the core, and I needs again.
  struct Operands {
    Matrix<Real> normed;
    Matrix<Real> query_latent;
    Matrix<Real> latent;
    Matrix<Real> shared_key;
    Matrix<Real> query;
    Matrix<Real> key;
    Matrix<Real> value;
  };
  // Compressed rows of the normed input, and what is made of them.
  void compress(const Real* weights, Operands& operands, Saved& saved) const;
  void make_query(const Real* weights, Operands& operands) const;
  void make_key_and_value(const Real* weights, Operands& operands) const;
  void keep(const Operands& operands, Saved& saved) const;
  Operands recall(const Real* weights, const Saved& saved) const;
  Matrix<Real> query_backward(const Real* weights, Matrix<Real> query_gradient, Saved& saved) const;
  Matrix<Real> key_and_value_backward(const Real* weights, const Matrix<Real>& key_gradient,
                                      const Matrix<Real>& value_gradient, Saved& saved) const;

  AttentionShape shape_;
  int64_t head_width_;  // head_dim + rope_dim
  Keeping keeping_;
  RmsNorm<Real> norm_;
  std::optional<RmsNorm<Real>> query_norm_;  // with query compression
  Weight query_down_;
  Weight query_;
  Weight down_;
  RmsNorm<Real> latent_norm_;
  Weight up_;
  Weight output_;
  Rope<Real> rope_;
  AttentionCore<Real> core_;
  const Products<Real>& products_;
};

}  // namespace pipeloom::backend
