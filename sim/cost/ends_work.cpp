#include <cmath>

#include "sim/cost/pass_work.h"

namespace pipeloom::sim {

// Rows gathered in F, their gradients added in W.
ComponentWork embed_work(const Model& model, const WorkShape& shape) {
  const double hidden_size = shape.split_tokens() * model.hidden;
  ComponentWork work;
  work.layer = -1;
  work.component = Component::kEmbed;
  work.forward.memory_bytes = 4 * hidden_size;
  work.weight.memory_bytes = 10 * hidden_size;  // 2 read, FP32 gradients read and written
  work.forward.kernels = work.weight.kernels = 1;
  return work;
}

// Norm, head and loss, in BF16. 60 B per logit in all: the logits widened to FP32, maximum, exponent, sum and gradient
// as separate kernels (docs/research/costs.md, section 8); two thirds of them run forward.
ComponentWork head_work(const Model& model, const WorkShape& shape, int layer) {
  const double hidden_size = shape.split_tokens() * model.hidden;
  // Rows are padded to a multiple of 128 on each GPU (Megatron-LM).
  const double vocabulary = 128 * std::ceil(static_cast<double>(model.vocabulary) / (128.0 * shape.tensor));
  const double logits = shape.tokens * vocabulary;
  ComponentWork work = compute_component(
      Component::kHead, {Product{shape.tokens, vocabulary, static_cast<double>(model.hidden), 1, false, false}});
  work.layer = layer;
  work.forward.memory_bytes = 4 * hidden_size + 40 * logits;
  work.input.memory_bytes = 6 * hidden_size + 20 * logits;
  work.forward.kernels = 8;
  work.input.kernels = 5;
  work.weight.kernels = 1;
  if (shape.tensor > 1) {
    work.input.all_reduces = 1;
    work.input.all_reduce_bytes = 2 * shape.tokens * model.hidden;
  }
  return work;
}

// DeepSeek-V3 (arXiv 2412.19437), equation 21: the projection of [norm(hidden), norm(embedding)].
ComponentWork mtp_embed_work(const Model& model, const WorkShape& shape, int layer) {
  const double hidden_size = shape.split_tokens() * model.hidden;
  const double hidden = model.hidden;
  ComponentWork work = compute_component(
      Component::kEmbed, {Product{shape.tokens / shape.tensor, hidden, 2 * hidden, 1, shape.fp8_mlp(), false}});
  work.layer = layer;
  work.forward.memory_bytes = (4 + 8 + 8) * hidden_size;  // gather, norms, concatenation
  work.input.memory_bytes = (12 + 8) * hidden_size;
  work.weight.memory_bytes = 10 * hidden_size;
  work.forward.kernels = 5;
  work.input.kernels = 4;
  work.weight.kernels = 2;
  return work;
}

}  // namespace pipeloom::sim
