#include <algorithm>

#include "sim/cost/memory.h"
#include "sim/cost/parameters.h"
#include "sim/cost/rounding.h"
#include "sim/cost/work.h"

namespace pipeloom {

namespace {

// What a layer keeps from F for its backward, in bytes. Counted tensor by tensor as Korthikanti et al. (MLSys 2023,
// sections 4.1 and 4.2) do: a dense layer of width h with an MLP of 4h keeps 34h bytes per token and, with the unfused
// core, 5as (a heads, sequence s); 32h without the two dropout masks. FlashAttention keeps one FP32 row statistic per
// head instead of scores. Formats are the job's: DeepSeek-V3's recipe keeps operands of products in FP8 and what
// attention hands to its output projection in E5M6 (section 3.3.3).
class LayerActivation {
 public:
  LayerActivation(const Model& model, const WorkShape& shape)
      : model_(model),
        shape_(shape),
        tokens_(shape.tokens / shape.tensor),
        selective_(shape.recompute == Recompute::kSelective),
        drops_norms_(selective_ && !shape.unfused_attention) {}

  double attention() const {
    const AttentionShape& a = model_.attention;
    const double query = static_cast<double>(a.heads) * (a.head_dim + a.rope_dim);
    const double output = static_cast<double>(a.heads) * a.value_dim;
    const double key = a.is_mla() ? query : static_cast<double>(a.kv_heads) * a.head_dim;
    const double value = a.is_mla() ? output : static_cast<double>(a.kv_heads) * a.value_dim;
    const double latent = a.is_mla() ? a.q_lora_rank + a.kv_lora_rank + a.rope_dim : 0;
    double bytes = rest(latent) + row_bytes(shape_.formats.cached_core, output) + core(a.heads);
    // Queries that are not compressed are no up-projection: they stay.
    if (!(drops_norms_ && a.is_mla())) {
      bytes += rest(query + key + value);
    } else if (a.q_lora_rank == 0) {
      bytes += rest(query);
    }
    if (!drops_norms_ && a.is_mla()) bytes += cached(a.q_lora_rank) + cached(a.kv_lora_rank);
    return input_and_norm() + tokens_ * bytes;
  }

  double mlp() const { return input_and_norm() + tokens_ * inner(model_.intermediate); }

  double experts() const {
    const MoeShape& moe = *model_.moe;
    // FP8 keeps what dispatch brought and permutes it again for W (docs/costs.md, section 5); BF16 the permuted rows.
    const bool fp8 = shape_.formats.cached == Format::kFp8;
    const double rows = fp8 ? shape_.routing.gpus_per_token : moe.experts_per_token;
    const double gate = 4.0 * moe.routed_experts;
    const double shared = moe.shared_experts > 0 ? inner(double{1} * moe.shared_experts * moe.intermediate) : 0;
    return input_and_norm() +
           tokens_ * (gate + rows * cached(model_.hidden) + moe.experts_per_token * inner(moe.intermediate) + shared);
  }

 private:
  // Bytes of a token's row of so many numbers.
  double rest(double width) const { return row_bytes(shape_.formats.rest, width); }
  double cached(double width) const { return row_bytes(shape_.formats.cached, width); }

  // A block's input, its norm's output and the mask of the dropout behind it.
  double input_and_norm() const {
    const double norm = drops_norms_ ? 0 : cached(model_.hidden);
    const double mask = model_.dropout ? model_.hidden : 0;
    return shape_.split_tokens() * (rest(model_.hidden) + norm + mask);
  }

  // Per token: probabilities, and with dropout its mask and its result; or row statistics.
  double core(double heads) const {
    if (!shape_.unfused_attention) return 4 * heads;
    if (selective_) return 0;
    return (model_.dropout ? 5 : 2) * heads * shape_.sequence;
  }

  // Inputs and output of the activation function.
  double inner(double intermediate) const {
    return cached((model_.gated_mlp ? 2 : 1) * intermediate) + (drops_norms_ ? 0 : cached(intermediate));
  }

  const Model& model_;
  const WorkShape& shape_;
  double tokens_;
  bool selective_;
  bool drops_norms_;
};

// W needs the inputs of the products and the gradients of their outputs (Qi et al., Zero Bubble, ICLR 2024, table 1:
// 32h of a dense layer's 34h).
double weight_operands(const std::vector<ComponentWork>& parts, Format cached) {
  double bytes = 0;
  for (const ComponentWork& part : parts) {
    for (const Product& product : part.forward.products) {
      bytes += product.groups * product.m * (row_bytes(cached, product.k) + row_bytes(cached, product.n));
    }
  }
  return bytes;
}

struct Bytes {
  double total = 0;
  double kept = 0;

  Bytes& operator+=(const Bytes& other) {
    total += other.total;
    kept += other.kept;
    return *this;
  }
};

// Full recomputation holds a layer's input only, and W needs all of it.
Bytes layer_bytes(const Model& model, const WorkShape& shape, int kind) {
  if (shape.recompute == Recompute::kFull) {
    const double input = 2 * shape.split_tokens() * model.hidden;
    return {input, input};
  }
  const LayerActivation activation(model, shape);
  const double total = activation.attention() + (model.is_moe_layer(kind) ? activation.experts() : activation.mlp());
  const double kept = weight_operands(layer_work(model, shape, kind, kind), shape.formats.cached);
  return {total, std::min(total, kept)};
}

// Input, norm, and FP32 logits (Korthikanti et al., section 4.3: 4sbh(1 + v/h)).
Bytes head_bytes(const Model& model, const WorkShape& shape) {
  const double input = 2 * shape.split_tokens() * model.hidden;
  const double logits = 4 * shape.tokens / shape.tensor * model.vocabulary;
  return {2 * input + logits, input + logits / 2};
}

Bytes mtp_bytes(const Model& model, const WorkShape& shape) {
  // Both norms' inputs, and their outputs side by side.
  const bool drops_norms = shape.recompute == Recompute::kSelective && !shape.unfused_attention;
  const double joined = drops_norms ? 0 : row_bytes(shape.formats.cached, 2.0 * model.hidden);
  const double projected = (2 * row_bytes(shape.formats.rest, model.hidden) + joined) * shape.tokens / shape.tensor;
  Bytes bytes = layer_bytes(model, shape, mtp_layer(model));
  bytes += head_bytes(model, shape);
  bytes += Bytes{projected, projected};
  return bytes;
}

}  // namespace

ActivationSize stage_activation(const Job& job, const StageSpan& span) {
  const Model& model = *job.model;
  const WorkShape shape = make_work_shape(job);
  Bytes sum;
  for (int layer = span.first_layer; layer < span.end_layer(); ++layer) sum += layer_bytes(model, shape, layer);
  sum.total *= 1 - job.offload.activations;
  sum.kept *= 1 - job.offload.activations;
  if (span.is_last) {
    sum += head_bytes(model, shape);
    for (int module = 0; module < model.mtp_depth; ++module) sum += mtp_bytes(model, shape);
  }
  return {rounded_bytes(sum.total), rounded_bytes(sum.kept)};
}

int64_t layer_activation_bytes(const Job& job, int kind) {
  return rounded_bytes(layer_bytes(*job.model, make_work_shape(job), kind).total);
}

}  // namespace pipeloom
