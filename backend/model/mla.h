#pragma once

#include <optional>

#include "backend/model/arithmetic.h"
#include "backend/model/attention_core.h"
#include "backend/model/rms_norm.h"
#include "backend/model/rope.h"
#include "core/model.h"

namespace pipeloom {

// x + attention(norm(x)) with compressed keys and values, DeepSeek's multi-head latent attention (arXiv 2405.04434,
// equations 9 to 19): queries, keys and values are made from normed low-rank rows; each head's query and key is a part
// without positions and a rotary part, and all heads share the rotary part of the key.
template <typename Real>
class Mla {
 public:
  struct Saved {
    typename RmsNorm<Real>::Saved norm;
    Matrix<Real> normed;  // [tokens, hidden]
    typename RmsNorm<Real>::Saved query_norm;
    Matrix<Real> query_latent;  // [tokens, q rank]; empty without query compression
    typename RmsNorm<Real>::Saved latent_norm;
    Matrix<Real> latent;      // [tokens, kv rank]
    Matrix<Real> shared_key;  // [tokens, rope] turned, of all heads
    Matrix<Real> query;       // [tokens, heads * (d + rope)] turned
    Matrix<Real> key;         // the same
    Matrix<Real> value;       // [tokens, heads * value_dim]
    Matrix<Real> core;        // [tokens, heads * value_dim]
    // From I, for W.
    Matrix<Real> query_gradient;
    Matrix<Real> query_down_gradient;  // [tokens, q rank]
    Matrix<Real> up_gradient;          // [tokens, heads * (d + value_dim)]
    Matrix<Real> down_gradient;        // [tokens, kv rank + rope]
    Matrix<Real> output_gradient;      // [tokens, hidden]
  };

  // REQUIRES: the attention is MLA.
  Mla(ParameterBlock& block, const Model& model, int64_t sequence, const Arithmetic<Real>& arithmetic);

  Matrix<Real> forward(const Real* weights, Matrix<Real> x, Saved& saved) const;
  Matrix<Real> input_backward(const Real* weights, Matrix<Real> output_gradient, Saved& saved) const;
  void weight_backward(const Saved& saved, Real* gradients) const;

  // Between F and I, what is cheap to compute again is left out: norms and up-projections.
  void forget(Saved& saved) const;
  void recall(const Real* weights, Saved& saved) const;

 private:
  // Compressed rows of the normed input, and what is made of them.
  void compress(const Real* weights, Saved& saved) const;
  void make_query(const Real* weights, Saved& saved) const;
  void make_key_and_value(const Real* weights, Saved& saved) const;
  Matrix<Real> query_backward(const Real* weights, Saved& saved) const;
  Matrix<Real> key_and_value_backward(const Real* weights, Matrix<Real> key_gradient,
                                      const Matrix<Real>& value_gradient, Saved& saved) const;

  AttentionShape shape_;
  int64_t head_width_;  // head_dim + rope_dim
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

}  // namespace pipeloom
