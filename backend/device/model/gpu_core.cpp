#include "backend/device/model/gpu_core.h"

#include <cmath>

#include "backend/device/kernels/softmax_kernels.h"

namespace pipeloom::backend {

GpuCore::GpuCore(const GpuSetup& setup, const AttentionCore<float>::Shape& shape)
    : shape_(shape), tokens_(setup.tokens), products_(setup.precise) {
  const int64_t size = shape.kv_heads * shape.sequence * shape.sequence;
  scores_ = setup.scratch.take<float>(size);
  scores_gradient_ = setup.scratch.take<float>(size);
  factor_ = setup.scratch.take<Bf16>(size);
}

template <typename Function>
void GpuCore::for_each_batch(const Function& function) const {
  const int64_t members = shape_.heads / shape_.kv_heads;
  for (int64_t first = 0; first < tokens_; first += shape_.sequence) {
    for (int64_t member = 0; member < members; ++member) function(Batch{first, member});
  }
}

// Of the same member of every group.
RowMatrix GpuCore::per_query(int64_t dim, int64_t stride) const {
  return {shape_.sequence, dim, stride, shape_.heads / shape_.kv_heads * dim};
}

RowMatrix GpuCore::per_key(int64_t dim, int64_t stride) const {
  return {shape_.sequence, dim, stride, dim};
}

RowMatrix GpuCore::scores_shape() const {
  return {shape_.sequence, shape_.sequence, shape_.sequence, shape_.sequence * shape_.sequence};
}

// To scores_ and factor_.
void GpuCore::probabilities(const SmStream& stream, const Inputs& inputs, const Batch& batch) const {
  const auto& [query, key, value] = inputs;
  products_.multiply(stream, Form::kTransposedB,
                     query.data + batch.first * query.stride + batch.member * shape_.key_dim,
                     per_query(shape_.key_dim, query.stride), key.data + batch.first * key.stride,
                     per_key(shape_.key_dim, key.stride), scores_, scores_shape(), Into::kSet, shape_.kv_heads);
  const ScoresShape shape{shape_.kv_heads, shape_.sequence, 1 / std::sqrt(static_cast<float>(shape_.key_dim))};
  causal_softmax(stream, shape, scores_, factor_);
}

void GpuCore::forward(const SmStream& stream, const Inputs& inputs, TokenRows<float> output) const {
  for_each_batch([&](const Batch& batch) {
    probabilities(stream, inputs, batch);
    products_.multiply(stream, Form::kPlain, factor_, scores_shape(),
                       inputs.value.data + batch.first * inputs.value.stride,
                       per_key(shape_.value_dim, inputs.value.stride),
                       output.data + batch.first * output.stride + batch.member * shape_.value_dim,
                       per_query(shape_.value_dim, output.stride), Into::kSet, shape_.kv_heads);
  });
}

void GpuCore::input_backward(const SmStream& stream, const Inputs& inputs, TokenRows<const Bf16> output_gradient,
                             const Gradients& gradients) const {
  const int64_t heads = shape_.kv_heads;
  const ScoresShape shape{heads, shape_.sequence, 1 / std::sqrt(static_cast<float>(shape_.key_dim))};
  for_each_batch([&](const Batch& batch) {
    // The members of a group add to the same keys and values.
    const Into into = batch.member == 0 ? Into::kSet : Into::kAdd;
    const Bf16* dy = output_gradient.data + batch.first * output_gradient.stride + batch.member * shape_.value_dim;
    const RowMatrix dy_shape = per_query(shape_.value_dim, output_gradient.stride);
    const Bf16* value = inputs.value.data + batch.first * inputs.value.stride;
    const Bf16* query = inputs.query.data + batch.first * inputs.query.stride + batch.member * shape_.key_dim;
    probabilities(stream, inputs, batch);
    products_.multiply(stream, Form::kTransposedA, factor_, scores_shape(), dy, dy_shape,
                       gradients.value.data + batch.first * gradients.value.stride,
                       per_key(shape_.value_dim, gradients.value.stride), into, heads);
    products_.multiply(stream, Form::kTransposedB, dy, dy_shape, value, per_key(shape_.value_dim, inputs.value.stride),
                       scores_gradient_, scores_shape(), Into::kSet, heads);
    causal_softmax_backward(stream, shape, scores_, scores_gradient_, factor_);
    products_.multiply(stream, Form::kPlain, factor_, scores_shape(), inputs.key.data + batch.first * inputs.key.stride,
                       per_key(shape_.key_dim, inputs.key.stride),
                       gradients.query.data + batch.first * gradients.query.stride + batch.member * shape_.key_dim,
                       per_query(shape_.key_dim, gradients.query.stride), Into::kSet, heads);
    products_.multiply(stream, Form::kTransposedA, factor_, scores_shape(), query,
                       per_query(shape_.key_dim, inputs.query.stride),
                       gradients.key.data + batch.first * gradients.key.stride,
                       per_key(shape_.key_dim, gradients.key.stride), into, heads);
  });
}

}  // namespace pipeloom::backend
