#pragma once

#include "backend/device/model/gpu_setup.h"
#include "backend/model/attention_core.h"

namespace pipeloom::backend {

// Attention between its projections, as AttentionCore in backend/model/attention_core.h: products in batches over the
// heads with a softmax between them, one sequence after the other. Keeps nothing.
class GpuCore {
 public:
  GpuCore(const GpuSetup& setup, const AttentionCore<float>::Shape& shape);

  struct Inputs {
    TokenRows<const Bf16> query;  // [tokens, heads * key_dim]
    TokenRows<const Bf16> key;    // [tokens, kv_heads * key_dim]
    TokenRows<const Bf16> value;  // [tokens, kv_heads * value_dim]
  };
  struct Gradients {
    TokenRows<float> query;
    TokenRows<float> key;
    TokenRows<float> value;
  };

  void forward(const SmStream& stream, const Inputs& inputs, TokenRows<float> output) const;
  // Sets the gradients.
  void input_backward(const SmStream& stream, const Inputs& inputs, TokenRows<const Bf16> output_gradient,
                      const Gradients& gradients) const;

 private:
  // One head of every group that shares keys and values, for the sequence that begins at `first`.
  struct Batch {
    int64_t first = 0;
    int64_t member = 0;  // of the group
  };
  template <typename Function>
  void for_each_batch(const Function& function) const;
  RowMatrix per_query(int64_t dim, int64_t stride) const;
  RowMatrix per_key(int64_t dim, int64_t stride) const;
  RowMatrix scores_shape() const;
  void probabilities(const SmStream& stream, const Inputs& inputs, const Batch& batch) const;

  AttentionCore<float>::Shape shape_;
  int64_t tokens_;
  const GpuProducts& products_;
  float* scores_;           // [kv_heads, sequence, sequence]
  float* scores_gradient_;  // the same
  Bf16* factor_;            // the same
};

}  // namespace pipeloom::backend
