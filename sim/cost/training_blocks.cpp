#include "sim/cost/training_blocks.h"

#include <algorithm>

#include "sim/cost/training_context.h"

namespace pipeloom::sim {

namespace {

void add_linear(TrainingBlock& block, const PassSeconds& linear) {
  block.seconds += linear;
  block.products += linear.forward;
}

void add_pointwise(TrainingBlock& block, double forward, double input) {
  block.seconds.forward += forward;
  block.seconds.input += input;
  block.pointwise += forward;
}

// Norm and residual of a block: 4 and 6 bytes per number forward, 6 and 4 backward; dropout's mask 2 more.
void add_norm_and_residual(const Job& job, const TrainingKernels& kernels, TrainingBlock& block) {
  const double hidden = training_tokens(job).split * job.model->hidden;
  const double dropout = job.model->dropout ? 2 : 0;
  block.norms = kernels.memory_bound(4 * hidden, 1);
  add_pointwise(block, block.norms + kernels.memory_bound((6 + dropout) * hidden, 1),
                kernels.memory_bound((6 + 4 + dropout) * hidden, 2));
}

// The activation function on so many inner numbers.
void add_activation(const Job& job, const TrainingKernels& kernels, double inner, TrainingBlock& block) {
  const bool gated = job.model->gated_mlp;
  const double forward = kernels.memory_bound((gated ? 6 : 4) * inner, 1);
  block.activation += forward;
  add_pointwise(block, forward, kernels.memory_bound((gated ? 10 : 6) * inner, 1));
}

// What a collective of tensor parallelism exposes beside a product: its first piece, waiting, and what is longer than
// the product (inferred).
double exposed_ring(const Job& job, double ring, double product) {
  if (!job.software->overlap_tensor) return ring;
  return std::max(0.4 * ring, ring - 0.8 * product);
}

// A block's input is gathered for its first products, and its output reduced after the last one; backward the other way
// round. With sequence parallelism the weights' gradients need the gathered input again, half of it hidden (inferred).
void add_tensor_rings(const Job& job, const TrainingKernels& kernels, const PassSeconds& first, const PassSeconds& last,
                      TrainingBlock& block) {
  const double gather = kernels.tensor_gather();
  const double reduction = kernels.tensor_reduction();
  block.seconds.forward += exposed_ring(job, gather, first.forward) + exposed_ring(job, reduction, last.forward);
  block.seconds.input += exposed_ring(job, gather, last.input) + exposed_ring(job, reduction, first.input);
  if (job.layout.sequence_parallel) block.seconds.input += 0.55 * exposed_ring(job, gather, first.weight);
}

// Query, key and value from hidden states; MLA compresses them first.
void add_inputs_of_attention(const Job& job, const TrainingKernels& kernels, TrainingBlock& block) {
  const AttentionShape& a = job.model->attention;
  const TrainingTokens tokens = training_tokens(job);
  const double hidden = job.model->hidden;
  const double heads = static_cast<double>(a.heads) / job.layout.tensor;
  if (!a.is_mla()) {
    const double key_heads = static_cast<double>(a.kv_heads) / job.layout.tensor;
    const double width = heads * a.head_dim + key_heads * (a.head_dim + a.value_dim);
    return add_linear(block, kernels.linear({tokens.all, width, hidden}));
  }
  const double query = heads * (a.head_dim + a.rope_dim);
  PassSeconds up =
      kernels.linear({tokens.all, heads * (a.head_dim + a.value_dim), static_cast<double>(a.kv_lora_rank)});
  add_linear(block, kernels.linear({tokens.split, static_cast<double>(a.kv_lora_rank + a.rope_dim), hidden}));
  if (a.q_lora_rank > 0) {
    up += kernels.linear({tokens.all, query, static_cast<double>(a.q_lora_rank)});
    add_linear(block, kernels.linear({tokens.split, static_cast<double>(a.q_lora_rank), hidden}));
  } else {
    add_linear(block, kernels.linear({tokens.all, query, hidden}));
  }
  block.up_projections = up.forward;
  add_linear(block, up);
}

// Rotary embedding and the copies that divide or join query, key and value.
double copied_bytes(const Job& job) {
  const AttentionShape& a = job.model->attention;
  const double tokens = training_tokens(job).all / job.layout.tensor;
  if (!a.is_mla()) return tokens * (8.0 * a.head_dim * (a.heads + a.kv_heads) + 4.0 * a.value_dim * a.kv_heads);
  return tokens * (8.0 * a.heads * (a.head_dim + a.rope_dim) + 4.0 * (a.q_lora_rank + a.kv_lora_rank));
}

void add_core(const Job& job, const TrainingKernels& kernels, int kind, TrainingBlock& block) {
  const AttentionShape& a = job.model->attention;
  const double heads = static_cast<double>(a.heads) / job.layout.tensor;
  const double square = training_tokens(job).all * static_cast<double>(job.batch.sequence_length) * heads;
  const PassSeconds core = job.attention_kernel == AttentionKernel::kUnfused
                               ? kernels.unfused_attention(a, square)
                               : kernels.attention(a, square / 2, job.model->is_windowed_layer(kind));
  block.core = core.forward;
  block.seconds += core;
  block.seconds += context_exchange(job, core);
}

}  // namespace

TrainingBlock attention_block(const Job& job, const TrainingKernels& kernels, int kind) {
  TrainingBlock block;
  add_inputs_of_attention(job, kernels, block);
  const PassSeconds inputs = block.seconds;
  const double heads = static_cast<double>(job.model->attention.heads) / job.layout.tensor;
  const PassSeconds output = kernels.linear(
      {training_tokens(job).all, static_cast<double>(job.model->hidden), heads * job.model->attention.value_dim});
  add_linear(block, output);
  add_tensor_rings(job, kernels, inputs, output, block);
  add_norm_and_residual(job, kernels, block);
  const double copies = kernels.memory_bound(copied_bytes(job), 2);
  add_pointwise(block, copies, copies);
  add_core(job, kernels, kind, block);
  return block;
}

TrainingBlock mlp_block(const Job& job, const TrainingKernels& kernels) {
  const Model& model = *job.model;
  const TrainingTokens tokens = training_tokens(job);
  const double inner = static_cast<double>(model.intermediate) / job.layout.tensor;
  const double hidden = model.hidden;
  TrainingBlock block;
  add_norm_and_residual(job, kernels, block);
  const PassSeconds up = kernels.linear({tokens.all, (model.gated_mlp ? 2 : 1) * inner, hidden});
  const PassSeconds down = kernels.linear({tokens.all, hidden, inner});
  add_linear(block, up);
  add_linear(block, down);
  add_activation(job, kernels, tokens.all * inner, block);
  add_tensor_rings(job, kernels, up, down, block);
  return block;
}

// Norm, gate, top-k and its bookkeeping: 24 bytes for each expert and token (logits, scores, mask and maps in FP32).
TrainingBlock router_block(const Job& job, const TrainingKernels& kernels) {
  const double tokens = training_tokens(job).routed;
  const double experts = job.model->moe->routed_experts;
  TrainingBlock block;
  add_norm_and_residual(job, kernels, block);
  add_linear(block, kernels.linear({tokens, experts, static_cast<double>(job.model->hidden)}, OperandWidth::kWide));
  const double bookkeeping = kernels.memory_bound(24 * experts * tokens, 4);
  add_pointwise(block, bookkeeping, bookkeeping);
  return block;
}

// What replaces a fused activation function that clamps and adds biases: one kernel for every operation (two biases,
// three clamps, sigmoid, four products and their casts), counted from gpt-oss' definition.
void add_clamped_activation(const TrainingKernels& kernels, double inner, TrainingBlock& block) {
  const double forward = kernels.memory_bound(46 * inner, 10);
  block.activation += forward;
  add_pointwise(block, forward, kernels.memory_bound(80 * inner, 18));
}

// Permutation, products of the routed experts in one launch each, activation, and the way back; shared experts beside.
TrainingBlock experts_block(const Job& job, const TrainingKernels& kernels) {
  const Model& model = *job.model;
  const MoeShape& moe = *model.moe;
  const Routing& routing = kernels.routing();
  const TrainingTokens tokens = training_tokens(job);
  const double hidden = model.hidden;
  const double up = model.gated_mlp ? 2 : 1;
  const double groups = static_cast<double>(moe.routed_experts) / routing.gpus;
  const double rows = tokens.routed * moe.experts_per_token;
  const double width = moe.intermediate;
  // One kernel for products and activation narrows what it hands on itself.
  const bool clamped = model.clamped_activation;
  const bool fused = job.software->fused_experts && !clamped;
  TrainingBlock block;
  add_linear(block, kernels.linear({rows / groups, up * width, hidden, groups, true, !fused}));
  add_linear(block, kernels.linear({rows / groups, hidden, width, groups, !fused, true}));
  if (clamped && !job.software->fused_experts) {
    add_clamped_activation(kernels, rows * width, block);
  } else if (!fused) {
    add_activation(job, kernels, rows * width, block);
  } else {
    add_pointwise(block, 0, kernels.memory_bound(2 * up * rows * width, 1));  // its saved input is read again
  }
  // HybridEP permutes as it moves.
  const double moved = job.software->dispatcher == Dispatcher::kHybridEp ? 0.65 : 1;
  const double permuted = 2 * hidden * tokens.routed * 2 * (routing.gpus_per_token + moe.experts_per_token) * moved;
  const double permutation = kernels.memory_bound(permuted, 12);
  add_pointwise(block, permutation, permutation);
  if (moe.shared_experts == 0) return block;
  const double shared = static_cast<double>(moe.shared_experts) * moe.intermediate / job.layout.tensor;
  add_linear(block, kernels.linear({tokens.all, up * shared, hidden}));
  add_linear(block, kernels.linear({tokens.all, hidden, shared}));
  add_activation(job, kernels, tokens.all * shared, block);
  return block;
}

}  // namespace pipeloom::sim
