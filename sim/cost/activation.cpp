#include <algorithm>
#include <cmath>

#include "sim/cost/activation_bytes.h"
#include "sim/cost/memory_model.h"
#include "sim/cost/parameter_count.h"
#include "sim/cost/pass_work.h"
#include "sim/cost/rounding.h"
#include "sim/cost/training_memory.h"

namespace pipeloom::sim {

namespace {

// Bytes of a row of a W's factor that has so many rows: its scales are those of 128 numbers of a column.
double factor_bytes(Format format, double rows, double width) {
  if (format != Format::kFp8) return row_bytes(format, width);
  return width * (1 + sizeof(float) * std::ceil(rows / kFormatTile) / rows);
}

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

  // What W needs of a layer: the inputs of its products, each once, as they are cached, and the gradients of their
  // results, in the products' formats (Qi et al., Zero Bubble, ICLR 2024, table 1: 32h of a dense layer's 34h). More
  // than F kept where F kept it in fewer bytes, or computes it again. Whatever is as wide as the residual stream is
  // split by sequence parallelism and gathered again.
  double attention_for_weight() const {
    const AttentionShape& a = model_.attention;
    const double query = static_cast<double>(a.heads) * (a.head_dim + a.rope_dim);
    const double output = static_cast<double>(a.heads) * a.value_dim;
    double bytes = row_bytes(shape_.formats.cached_core, output);
    if (a.is_mla()) {
      const double up = static_cast<double>(a.heads) * (a.head_dim + a.value_dim);
      bytes += again(cached(a.q_lora_rank) + cached(a.kv_lora_rank), of_attention(a.q_lora_rank + a.kv_lora_rank)) +
               of_attention(query + a.q_lora_rank + up + a.kv_lora_rank + a.rope_dim);
    } else {
      bytes += of_attention(query + static_cast<double>(a.kv_heads) * (a.head_dim + a.value_dim));
    }
    const double input = again(cached(model_.hidden), of_attention(model_.hidden));
    return shape_.split_tokens() * (input + of_attention(model_.hidden)) + tokens_ * bytes;
  }

  double mlp() const { return input_and_norm() + tokens_ * inner(model_.intermediate); }

  double mlp_for_weight() const {
    return shape_.split_tokens() * (again(cached(model_.hidden), of_mlp(model_.hidden)) + of_mlp(model_.hidden)) +
           tokens_ * inner_for_weight(model_.intermediate, shape_.tokens);
  }

  double experts() const {
    const MoeShape& moe = *model_.moe;
    const double gate = 4.0 * moe.routed_experts;
    const double shared = moe.shared_experts > 0 ? inner(double{1} * moe.shared_experts * moe.intermediate) : 0;
    return input_and_norm() + tokens_ * (gate + rows_per_token() * cached(model_.hidden) +
                                         moe.experts_per_token * inner(moe.intermediate) + shared);
  }

  // The shared expert reads what the gate reads.
  double experts_for_weight() const {
    const MoeShape& moe = *model_.moe;
    const double of_row = inner_for_weight(moe.intermediate, rows_per_expert()) +
                          factor_bytes(shape_.formats.mlp, rows_per_expert(), model_.hidden);
    const double routed = moe.experts_per_token * of_row + rows_per_token() * cached(model_.hidden);
    double bytes = shape_.split_tokens() * again(cached(model_.hidden), of_mlp(model_.hidden)) +
                   tokens_ * (rest(moe.routed_experts) + routed);
    if (moe.shared_experts == 0) return bytes;
    return bytes + shape_.split_tokens() * of_mlp(model_.hidden) +
           tokens_ * inner_for_weight(double{1} * moe.shared_experts * moe.intermediate, shape_.tokens);
  }

 private:
  // Bytes of a token's row of so many numbers.
  double rest(double width) const { return row_bytes(shape_.formats.rest, width); }
  double cached(double width) const { return row_bytes(shape_.formats.cached, width); }
  double of_attention(double width) const { return factor_bytes(shape_.formats.attention, shape_.tokens, width); }
  double of_mlp(double width) const { return factor_bytes(shape_.formats.mlp, shape_.tokens, width); }
  // What I makes again is kept as W's product reads it, else it is still as F cached it.
  double again(double by_forward, double by_input) const { return drops_norms_ ? by_input : by_forward; }

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

  // Rows that the routed experts' GPUs keep. FP8 keeps what dispatch brought and permutes it again for W
  // (docs/research/costs.md, section 5); BF16 the permuted rows.
  double rows_per_token() const {
    const bool fp8 = shape_.formats.cached == Format::kFp8;
    return fp8 ? shape_.routing.gpus_per_token : model_.moe->experts_per_token;
  }

  // On average.
  double rows_per_expert() const {
    const MoeShape& moe = *model_.moe;
    return shape_.tokens * moe.experts_per_token * shape_.routing.gpus / moe.routed_experts;
  }

  // What the activation function gave, and the gradient of what it read, of `rows` each.
  double inner_for_weight(double intermediate, double rows) const {
    return again(cached(intermediate), factor_bytes(shape_.formats.mlp, rows, intermediate)) +
           factor_bytes(shape_.formats.mlp, rows, (model_.gated_mlp ? 2 : 1) * intermediate);
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

// Full recomputation holds a layer's input only, until I computes what W needs.
ActivationBytes layer_bytes(const Model& model, const WorkShape& shape, int kind) {
  const LayerActivation activation(model, shape);
  const bool moe = model.is_moe_layer(kind);
  const double kept =
      activation.attention_for_weight() + (moe ? activation.experts_for_weight() : activation.mlp_for_weight());
  if (shape.recompute == Recompute::kFull) {
    return {shape.split_tokens() * row_bytes(shape.formats.rest, model.hidden), kept};
  }
  return {activation.attention() + (moe ? activation.experts() : activation.mlp()), kept};
}

// The gradient of the embedding's rows.
ActivationBytes embed_bytes(const Model& model, const WorkShape& shape) {
  return {0, shape.split_tokens() * row_bytes(shape.formats.rest, model.hidden)};
}

// Input, norm, and FP32 logits (Korthikanti et al., section 4.3: 4sbh(1 + v/h)); for W the norm and the logits'
// gradient as its product reads it.
ActivationBytes head_bytes(const Model& model, const WorkShape& shape) {
  const double input = 2 * shape.split_tokens() * model.hidden;
  const double logits = 4 * shape.tokens / shape.tensor * model.vocabulary;
  return {2 * input + logits, input + logits / 2};
}

// Of both norms the inputs, and the outputs side by side. For W these, the gradient of their projection, and that of
// the embedding's rows.
ActivationBytes mtp_bytes(const Model& model, const WorkShape& shape) {
  const double tokens = shape.tokens / shape.tensor;
  const bool drops_norms = shape.recompute == Recompute::kSelective && !shape.unfused_attention;
  const double joined = row_bytes(shape.formats.cached, 2.0 * model.hidden);
  const double row = row_bytes(shape.formats.rest, model.hidden);
  ActivationBytes bytes = layer_bytes(model, shape, mtp_layer(model));
  bytes += head_bytes(model, shape);
  bytes += ActivationBytes{
      tokens * (2 * row + (drops_norms ? 0 : joined)),
      tokens * ((drops_norms ? factor_bytes(shape.formats.mlp, shape.tokens, 2.0 * model.hidden) : joined) +
                factor_bytes(shape.formats.mlp, shape.tokens, model.hidden) + row)};
  return bytes;
}

}  // namespace

ActivationSize stage_activation(const Job& job, const StageSpan& span) {
  if (job.software) return training_activation(job, span);
  const Model& model = *job.model;
  const WorkShape shape = make_work_shape(job);
  ActivationBytes sum;
  for (int layer = span.first_layer; layer < span.end_layer(); ++layer) sum += layer_bytes(model, shape, layer);
  sum.total *= 1 - job.offload.activations;
  sum.kept *= 1 - job.offload.activations;
  if (span.is_first) sum += embed_bytes(model, shape);
  if (span.is_last) {
    sum += head_bytes(model, shape);
    for (int module = 0; module < model.mtp_depth; ++module) sum += mtp_bytes(model, shape);
  }
  return {rounded_bytes(sum.total), rounded_bytes(sum.kept)};
}

int64_t layer_activation_bytes(const Job& job, int kind) {
  return rounded_bytes(layer_bytes(*job.model, make_work_shape(job), kind).total);
}

}  // namespace pipeloom::sim
