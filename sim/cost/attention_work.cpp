#include <cmath>

#include "sim/cost/pass_work.h"

namespace pipeloom::sim {

namespace {

// Numbers (not bytes) per micro-batch on one GPU. Tensor parallelism splits all of them, `hidden` with sequence
// parallelism.
struct Sizes {
  double hidden;        // T * h
  double latent;        // T * (q rank + kv rank); 0 without MLA
  double query;         // queries, rotary part included
  double rotary;        // what rotary embedding turns
  double plain;         // MLA: keys without their rotary part
  double output;        // of the attention core
  double key_value_up;  // MLA: what the up-projection of keys and values makes
  double key_value;     // keys and values as context parallelism gathers them
};

Sizes sizes_of(const Model& model, const WorkShape& shape) {
  const AttentionShape& a = model.attention;
  const double tokens = shape.tokens / shape.tensor;
  const double heads = tokens * a.heads;
  Sizes sizes{};
  sizes.hidden = shape.split_tokens() * model.hidden;
  sizes.query = heads * (a.head_dim + a.rope_dim);
  sizes.output = heads * a.value_dim;
  if (a.is_mla()) {
    sizes.latent = tokens * (a.q_lora_rank + a.kv_lora_rank);
    sizes.rotary = heads * a.rope_dim;
    sizes.plain = heads * a.head_dim;
    sizes.key_value_up = heads * (a.head_dim + a.value_dim);
    sizes.key_value = heads * (a.head_dim + a.rope_dim + a.value_dim);
  } else {
    sizes.key_value = tokens * a.kv_heads * (a.head_dim + a.value_dim);
    sizes.rotary = model.learned_positions > 0 ? 0 : tokens * a.head_dim * (a.heads + a.kv_heads);
  }
  return sizes;
}

struct Projections {
  std::vector<Product> down;  // from hidden: q_a and kv_a, or q, k and v in one
  std::vector<Product> up;    // MLA: q_b and kv_b
  Product output;
};

Projections projections_of(const Model& model, const WorkShape& shape) {
  const AttentionShape& a = model.attention;
  const double hidden = model.hidden;
  const double heads = static_cast<double>(a.heads) / shape.tensor;
  const auto product = [&](double n, double k) { return Product{shape.tokens, n, k, 1, shape.fp8_attention(), false}; };
  Projections projections;
  projections.output = product(hidden, heads * a.value_dim);
  if (!a.is_mla()) {
    const double kv_heads = static_cast<double>(a.kv_heads) / shape.tensor;
    projections.down = {product(heads * a.head_dim + kv_heads * (a.head_dim + a.value_dim), hidden)};
    return projections;
  }
  const double query = heads * (a.head_dim + a.rope_dim);
  projections.down = {product(a.kv_lora_rank + a.rope_dim, hidden)};
  projections.up = {product(heads * (a.head_dim + a.value_dim), a.kv_lora_rank)};
  if (a.q_lora_rank > 0) {
    projections.down.push_back(product(a.q_lora_rank, hidden));
    projections.up.push_back(product(query, a.q_lora_rank));
  } else {
    projections.down.push_back(product(query, hidden));
  }
  return projections;
}

// Keys with their rotary part appended, values made contiguous, rotary embedding.
double build_bytes(const AttentionShape& attention, const Sizes& s) {
  const double rope = 4 * s.rotary;
  return attention.is_mla() ? rope + 2 * s.plain + 2 * s.query + 4 * s.output : rope;
}

// Bytes of the memory-bound kernels: docs/research/costs.md, section 5, counted from the algorithm (2 B a BF16 number
// read or written, 1 B an FP8 one, 1.5 B an E5M6 one).
double forward_bytes(const AttentionShape& attention, const WorkShape& shape, const Sizes& s) {
  const double norms = 4 * (s.hidden + s.latent);
  const double residual = 6 * s.hidden;
  double bytes = norms + build_bytes(attention, s) + residual;
  if (shape.fp8_attention()) bytes += 3 * (s.hidden + s.latent + s.output) + 3.5 * s.output;
  // Bias of q, k and v added, each copied apart; the core's output transposed.
  if (shape.unfused_attention) bytes += 24 * s.query + 4 * s.output;
  return bytes;
}

double input_bytes(const AttentionShape& attention, const WorkShape& shape, const Sizes& s, double parameters) {
  const double residual = 6 * s.hidden;
  const double core = 4 * s.output + (shape.fp8_attention() ? 4 * s.query : 0) + 6 * s.query;  // row sums, dq to BF16
  const double norms = 6 * s.latent + 4 * s.hidden;
  double bytes = residual + core + norms + 4 * s.rotary;
  if (attention.is_mla()) bytes += 2 * s.query + 2 * s.plain + 4 * s.output;  // dk and dv copied apart
  if (shape.unfused_attention) bytes += 12 * s.query + 4 * s.output;
  if (shape.recompute == Recompute::kSelective && attention.is_mla()) {
    bytes += build_bytes(attention, s) + (shape.fp8_attention() ? 7 : 4) * s.latent;
  }
  if (shape.fp8_attention()) {
    bytes += (3.5 + 3) * s.output + 6 * s.hidden;  // o back from E5M6 and transposed, dy twice
    bytes += 6 * s.query + 6 * s.key_value_up;     // dq and dkv, row-wise and transposed
    bytes += 12 * s.hidden + 2 * parameters;       // last casts and adds; weights transposed
  }
  return bytes;
}

// What becomes of scores in memory, in passes over them of 2 B each: written by their product, scaled and masked into
// probabilities, dropout, read by the next product, and their gradients backward (docs/research/costs.md, section 8).
constexpr double kScorePassesForward = 7;
constexpr double kScorePassesBackward = 9;
constexpr double kUnfusedSoftmaxPasses = 5;  // backward, besides
constexpr int kUnfusedSoftmaxKernels = 8;

// Megatron-LM's fused softmax needs a multiple of 4 (fused_softmax.py).
bool softmax_is_fused(const WorkShape& shape, double heads) {
  return std::fmod(shape.sequences() * heads, 4) == 0;
}

// Products of whole squares, the mask apart; a head's width is padded to whole tiles of 64 where it is the width of the
// result.
void add_unfused_core(const AttentionShape& a, const WorkShape& shape, ComponentWork& work) {
  const double heads = static_cast<double>(a.heads) / shape.tensor;
  const double batch = shape.sequences() * heads;
  const double rows = shape.sequence / shape.context;
  const double query = a.head_dim + a.rope_dim;
  const auto padded = [](double width) { return std::ceil(width / 64) * 64; };
  const Product scores = {rows, shape.sequence, query, batch, false, false};
  const Product mixed = {rows, padded(a.value_dim), shape.sequence, batch, false, false};
  std::vector<Product> backward = {{rows, shape.sequence, static_cast<double>(a.value_dim), batch, false, false},
                                   {rows, padded(query), shape.sequence, batch, false, false},
                                   {shape.sequence, padded(query), rows, batch, false, false},
                                   {shape.sequence, padded(a.value_dim), rows, batch, false, false}};
  const double score_bytes = 2 * batch * rows * shape.sequence;
  const bool fused = softmax_is_fused(shape, heads);
  PassWork forward;
  forward.products = {scores, mixed};
  forward.memory_bytes = kScorePassesForward * score_bytes;
  if (!fused) forward.kernels = kUnfusedSoftmaxKernels;
  work.forward += forward;
  work.input.products.insert(work.input.products.end(), backward.begin(), backward.end());
  work.input.memory_bytes += (kScorePassesBackward + (fused ? 0 : kUnfusedSoftmaxPasses)) * score_bytes;
  if (!fused) work.input.kernels += kUnfusedSoftmaxKernels;
  // Korthikanti et al. (MLSys 2023), section 5: the core runs again in the backward pass.
  if (shape.recompute == Recompute::kSelective) work.input += forward;
}

// Causal: half of the square. Backward has five products for forward's two: three over the query width, two over the
// value width (FlashAttention-2, arXiv 2307.08691, algorithm 2).
void add_fused_core(const AttentionShape& a, const WorkShape& shape, ComponentWork& work) {
  const double query = a.head_dim + a.rope_dim;
  const double pairs = shape.tokens * shape.sequence / 2 * a.heads / shape.tensor;
  work.forward.core_forward_flops = 2 * pairs * (query + a.value_dim);
  work.input.core_backward_flops = 2 * pairs * (3 * query + 2 * a.value_dim);
}

// Launches, router apart. Of the FP8 recipe with MLA: those of the published profile (docs/research/costs.md, section
// 2). Else one per product and per step above; with the unfused core what Megatron-LM's layer launches besides: bias,
// transposes, scale, softmax, dropout.
void count_kernels(const AttentionShape& a, const WorkShape& shape, ComponentWork& work) {
  if (shape.fp8_attention() && a.is_mla()) {
    work.forward.kernels = 63;
    work.input.kernels = 92;
    work.weight.kernels = 4;
  } else {
    work.forward.kernels = shape.unfused_attention ? 17 : 6;
    work.input.kernels = shape.unfused_attention ? 11 : 8;
    work.weight.kernels = shape.unfused_attention ? 3 : 2;
  }
}

// Keys and values gathered forward; backward again, and their gradients scattered (Llama 3, arXiv 2407.21783, section
// 3.3.2: an all-gather before attention).
void add_context(const Sizes& sizes, const WorkShape& shape, ComponentWork& work) {
  if (shape.context == 1) return;
  const double gathered = 2 * sizes.key_value * shape.context;
  work.forward.context_bytes = gathered;
  work.input.context_bytes = 2 * gathered;
}

}  // namespace

ComponentWork attention_work(const Model& model, const WorkShape& shape) {
  const AttentionShape& a = model.attention;
  const Sizes sizes = sizes_of(model, shape);
  const Projections projections = projections_of(model, shape);
  std::vector<Product> products = projections.down;
  products.insert(products.end(), projections.up.begin(), projections.up.end());
  products.push_back(projections.output);
  double parameters = 0;
  for (const Product& product : products) parameters += product.n * product.k;

  ComponentWork work = compute_component(Component::kAttention, std::move(products));
  work.forward.memory_bytes = forward_bytes(a, shape, sizes);
  work.input.memory_bytes = input_bytes(a, shape, sizes, parameters);
  count_kernels(a, shape, work);
  if (shape.unfused_attention) {
    add_unfused_core(a, shape, work);
  } else {
    add_fused_core(a, shape, work);
  }
  add_block_end(model, sizes.hidden, work);
  if (shape.recompute == Recompute::kSelective) {
    // DeepSeek-V3, section 3.2.3: MLA's up-projections are computed again in the backward pass.
    work.input.products.insert(work.input.products.end(), projections.up.begin(), projections.up.end());
  }
  add_context(sizes, shape, work);
  if (shape.tensor > 1) {
    work.forward.all_reduces = work.input.all_reduces = 1;
    work.forward.all_reduce_bytes = work.input.all_reduce_bytes = 2 * shape.tokens * model.hidden;
  }
  return work;
}

}  // namespace pipeloom::sim
