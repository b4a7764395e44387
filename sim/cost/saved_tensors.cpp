#include "sim/cost/saved_tensors.h"

#include "sim/cost/training_layer.h"

namespace pipeloom::sim {

namespace {

// Widths of a layer's tensors in numbers, divided by tensor parallelism where Megatron-LM divides them.
struct Widths {
  double hidden = 0;
  double query = 0;
  double key = 0;
  double value = 0;
  double output = 0;  // of attention
  double heads = 0;
  double tensor = 1;

  explicit Widths(const Job& job) : hidden(job.model->hidden), tensor(job.layout.tensor) {
    const AttentionShape& a = job.model->attention;
    heads = a.heads / tensor;
    query = heads * (a.head_dim + a.rope_dim);
    // MLA: one key of every head is written out, the shared rotary part in each.
    key = a.is_mla() ? query : a.kv_heads / tensor * a.head_dim;
    output = heads * a.value_dim;
    value = a.is_mla() ? output : a.kv_heads / tensor * a.value_dim;
  }
};

void save_attention(const Job& job, SavedTensors& saved) {
  const AttentionShape& a = job.model->attention;
  const Software& software = *job.software;
  const TrainingTokens tokens = training_tokens(job);
  const Widths w(job);
  const double operand = operand_bytes(software.recipe);
  saved.heads = tokens.all * kWideBytes * (w.query + w.key + w.value);
  if (software.query_key_norms) saved.heads += tokens.all * kWideBytes * (w.query + w.key);
  if (a.is_mla()) {
    saved.latents =
        tokens.split * ((kWideBytes + operand) * (a.q_lora_rank + a.kv_lora_rank) + kWideBytes * a.rope_dim);
  }
  saved.core = tokens.all * kWideBytes * w.output;
  if (operand < kWideBytes) saved.core += tokens.all * operand * w.output;  // the projection reads a cast
  if (software.context_all_to_all && job.layout.context > 1) saved.core += tokens.all * kWideBytes * w.output;
  // Unfused (Korthikanti et al., MLSys 2023, section 4.1): probabilities, and with dropout its mask and its result.
  const double of_score = job.model->dropout ? 5 : 2;
  const double of_row = job.attention_kernel == AttentionKernel::kUnfused
                            ? of_score * static_cast<double>(job.batch.sequence_length)
                            : sizeof(float);
  saved.statistics = tokens.all * of_row * w.heads;
}

// Bytes of the activation function's tensors for each inner number: of a gated one it reads two.
double activation_input_bytes(const Model& model) {
  return (model.gated_mlp ? 2 : 1) * kWideBytes;
}

void save_experts(const Job& job, SavedTensors& saved) {
  const MoeShape& moe = *job.model->moe;
  const TrainingTokens tokens = training_tokens(job);
  const double operand = operand_bytes(job.software->recipe);
  const double rows = expert_rows(job);
  constexpr double kProbability = 8;  // before and after the permutation, FP32 each
  // Megatron-Core, moe/router.py and moe_utils.py: FP32 logits, scores and probabilities, a mask of bytes, and
  // TransformerEngine's map of rows with 8 bytes.
  constexpr double kRouter = 3 * 4 + 1 + 8;
  saved.rows = rows * (operand * job.model->hidden + kProbability);
  saved.expert_inputs = rows * activation_input_bytes(*job.model) * moe.intermediate;
  saved.expert_outputs = rows * operand * moe.intermediate;
  saved.router = tokens.split * kRouter * moe.routed_experts;
  saved.shared = tokens.all / job.layout.tensor * (activation_input_bytes(*job.model) + operand) * moe.intermediate *
                 moe.shared_experts;
}

// PyTorch's selective checkpointing as torchtitan uses it ("op"): the layer's input, the results of every second
// product (queries, values, the gate, the layer's result) and of attention. torch.compile drops the layer's result,
// which nothing reads.
SavedTensors kept_operators(const Job& job, const SavedTensors& all, int kind) {
  const TrainingTokens tokens = training_tokens(job);
  const Widths w(job);
  SavedTensors kept;
  kept.inputs = all.inputs / 2;
  kept.heads = tokens.all * kWideBytes * (w.query + w.value);
  kept.core = tokens.all * kWideBytes * w.output;
  kept.statistics = all.statistics;
  if (job.model->is_moe_layer(kind)) {
    kept.rows = all.rows;
    kept.expert_inputs = all.expert_inputs / 2;
    kept.shared = all.shared / 3;
    kept.router = all.router;
  } else {
    kept.inner = tokens.all * kWideBytes * job.model->intermediate / w.tensor;
  }
  if (!job.software->compiled) kept.inputs += tokens.all * kWideBytes * w.hidden;
  return kept;
}

}  // namespace

LayerKinds layer_kinds(const Model& model, const StageSpan& span) {
  LayerKinds kinds;
  for (int layer = span.first_layer; layer < span.end_layer(); ++layer) {
    const bool experts = model.is_moe_layer(layer);
    ++(experts ? kinds.experts : kinds.dense);
    (experts ? kinds.experts_layer : kinds.dense_layer) = layer;
  }
  return kinds;
}

double operand_bytes(ProductRecipe recipe) {
  switch (recipe) {
    case ProductRecipe::kWide:
      return kWideBytes;
    case ProductRecipe::kMxfp8:
      return 1 + 1.0 / 32;
    case ProductRecipe::kNvfp4:
      return 0.5 + 1.0 / 16;
    default:
      return 1;
  }
}

double expert_rows(const Job& job) {
  return job.model->moe->experts_per_token * training_tokens(job).split;
}

SavedTensors saved_tensors(const Job& job, int kind) {
  const Model& model = *job.model;
  const TrainingTokens tokens = training_tokens(job);
  const double operand = operand_bytes(job.software->recipe);
  SavedTensors saved;
  const double mask = model.dropout ? 1 : 0;
  saved.inputs = 2 * tokens.split * (kWideBytes + mask) * model.hidden;
  saved.norm_outputs = 2 * tokens.split * operand * model.hidden;
  save_attention(job, saved);
  if (model.is_moe_layer(kind)) {
    saved.norm_outputs = tokens.split * (operand + kWideBytes) * model.hidden;  // the router reads BF16
    save_experts(job, saved);
  } else {
    saved.inner = tokens.all / job.layout.tensor * (activation_input_bytes(model) + operand) * model.intermediate;
  }
  return saved;
}

SavedTensors kept_tensors(const Job& job, int kind) {
  SavedTensors kept = saved_tensors(job, kind);
  if (job.recompute == Recompute::kFull) {
    SavedTensors input;
    input.inputs = training_tokens(job).split * kWideBytes * job.model->hidden;
    return input;
  }
  const RecomputedParts parts = recomputed_parts(job);
  if (parts.operators) return kept_operators(job, kept, kind);
  if (parts.core_attention) kept.statistics = 0;
  if (parts.norms) kept.norm_outputs = 0;
  if (parts.up_projections && job.model->attention.is_mla()) kept.heads = 0;
  if (parts.mlp) kept.inner = 0;
  if (parts.activations) kept.expert_outputs = 0;
  if (parts.experts) kept.rows = kept.expert_inputs = kept.expert_outputs = kept.shared = kept.router = 0;
  return kept;
}

double needed_for_weight(const Job& job, int kind) {
  const Model& model = *job.model;
  const AttentionShape& a = model.attention;
  const TrainingTokens tokens = training_tokens(job);
  const Widths w(job);
  const double operand = operand_bytes(job.software->recipe);
  // Inputs of both blocks' first products; gradients of both blocks' results.
  double bytes = tokens.split * (2 * operand + 2 * operand) * w.hidden + tokens.all * operand * w.output;
  if (a.is_mla()) {
    const double latent = a.q_lora_rank + a.kv_lora_rank;
    const double up = w.query + w.heads * (a.head_dim + a.value_dim);
    bytes += operand * (tokens.split * (2 * latent + a.rope_dim) + tokens.all * up);
  } else {
    bytes += tokens.all * operand * (w.query + w.key + w.value);
  }
  const double of_inner = operand * ((model.gated_mlp ? 2 : 1) + 1);
  if (!model.is_moe_layer(kind)) return bytes + tokens.all / w.tensor * of_inner * model.intermediate;
  const MoeShape& moe = *model.moe;
  bytes += expert_rows(job) * (2 * operand * w.hidden + of_inner * moe.intermediate);
  bytes += tokens.all / w.tensor * of_inner * moe.intermediate * moe.shared_experts;
  return bytes + tokens.split * kWideBytes * moe.routed_experts;
}

}  // namespace pipeloom::sim
