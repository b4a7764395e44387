#pragma once

#include "backend/model/products.h"

namespace pipeloom::backend {

// softmax(q k' / sqrt(key_dim)) v, causal, for every head of every sequence. `heads / kv_heads` heads in a row share
// keys and values (grouped-query attention, Ainslie et al., EMNLP 2023).
template <typename Real>
class AttentionCore {
 public:
  struct Shape {
    int64_t sequence = 0;
    int64_t heads = 0;
    int64_t kv_heads = 0;
    int64_t key_dim = 0;
    int64_t value_dim = 0;
  };
  // The tokens of whole sequences.
  struct Inputs {
    View<const Real> query;  // [tokens, heads * key_dim]
    View<const Real> key;    // [tokens, kv_heads * key_dim]
    View<const Real> value;  // [tokens, kv_heads * value_dim]
  };
  struct Gradients {
    View<Real> query;
    View<Real> key;
    View<Real> value;
  };

  AttentionCore(const Shape& shape, const Products<Real>& products) : shape_(shape), products_(products) {}

  // What F and I share instead of [heads, sequence, sequence] probabilities: the logarithm of the sum of the
  // exponentials of each row of scores (FlashAttention-2, arXiv 2307.08691, section 3.1).
  using Statistics = Matrix<Real>;  // [tokens, heads]

  // Returns [tokens, heads * value_dim] and sets `statistics`.
  Matrix<Real> forward(const Inputs& inputs, Statistics& statistics) const;
  // Sets `query`, adds to `key` and `value`.
  void input_backward(const Inputs& inputs, const Statistics& statistics, View<const Real> output_gradient,
                      const Gradients& gradients) const;

 private:
  Matrix<Real> scores(View<const Real> query, View<const Real> key) const;
  Real scale() const;

  Shape shape_;
  const Products<Real>& products_;
};

}  // namespace pipeloom::backend
