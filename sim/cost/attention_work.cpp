#include "sim/cost/work.h"

namespace pipeloom {

namespace {

// Numbers (not bytes) per micro-batch on one GPU. Tensor parallelism splits all of them (with sequence parallelism).
struct Sizes {
  double hidden;        // T * h
  double latent;        // T * (q rank + kv rank); 0 without MLA
  double query;         // queries, rotary part included
  double rotary;        // what rotary embedding turns
  double plain;         // MLA: keys without their rotary part
  double output;        // of the attention core
  double key_value_up;  // MLA: what the up-projection of keys and values makes
};

Sizes sizes_of(const Model& model, const WorkShape& shape) {
  const AttentionShape& a = model.attention;
  const double tokens = shape.tokens / shape.tensor;
  const double heads = tokens * a.heads;
  Sizes sizes{};
  sizes.hidden = tokens * model.hidden;
  sizes.query = heads * (a.head_dim + a.rope_dim);
  sizes.output = heads * a.value_dim;
  if (a.is_mla()) {
    sizes.latent = tokens * (a.q_lora_rank + a.kv_lora_rank);
    sizes.rotary = heads * a.rope_dim;
    sizes.plain = heads * a.head_dim;
    sizes.key_value_up = heads * (a.head_dim + a.value_dim);
  } else {
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
  const auto product = [&](double n, double k) { return Product{shape.tokens, n, k, 1, shape.fp8, false}; };
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

// Bytes of the memory-bound kernels: docs/costs.md, section 5, counted from the algorithm (2 B a BF16 number read or
// written, 1 B an FP8 one, 1.5 B an E5M6 one).
double forward_bytes(const AttentionShape& attention, const WorkShape& shape, const Sizes& s) {
  const double norms = 4 * (s.hidden + s.latent);
  const double residual = 6 * s.hidden;
  double bytes = norms + build_bytes(attention, s) + residual;
  if (shape.fp8) bytes += 3 * (s.hidden + s.latent + s.output) + 3.5 * s.output;
  return bytes;
}

double input_bytes(const AttentionShape& attention, const WorkShape& shape, const Sizes& s, double parameters) {
  const double residual = 6 * s.hidden;
  const double core = 4 * s.output + (shape.fp8 ? 4 * s.query : 0) + 6 * s.query;  // row sums, dq to BF16
  const double norms = 6 * s.latent + 4 * s.hidden;
  double bytes = residual + core + norms + 4 * s.rotary;
  if (attention.is_mla()) bytes += 2 * s.query + 2 * s.plain + 4 * s.output;  // dk and dv copied apart
  if (shape.recompute == Recompute::kSelective && attention.is_mla()) {
    bytes += build_bytes(attention, s) + (shape.fp8 ? 7 : 4) * s.latent;
  }
  if (shape.fp8) {
    bytes += (3.5 + 3) * s.output + 6 * s.hidden;  // o back from E5M6 and transposed, dy twice
    bytes += 6 * s.query + 6 * s.key_value_up;     // dq and dkv, row-wise and transposed
    bytes += 12 * s.hidden + 2 * parameters;       // last casts and adds; weights transposed
  }
  return bytes;
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
  // Causal: half of the square. Backward has five products for forward's two: three over the query width, two over the
  // value width (FlashAttention-2, arXiv 2307.08691, algorithm 2).
  const double query_dim = a.head_dim + a.rope_dim;
  const double pairs = shape.tokens * shape.sequence / 2 * a.heads / shape.tensor;
  work.forward.core_forward_flops = 2 * pairs * (query_dim + a.value_dim);
  work.input.core_backward_flops = 2 * pairs * (3 * query_dim + 2 * a.value_dim);
  work.forward.memory_bytes = forward_bytes(a, shape, sizes);
  work.input.memory_bytes = input_bytes(a, shape, sizes, parameters);
  if (shape.recompute == Recompute::kSelective) {
    // DeepSeek-V3, section 3.2.3: MLA's up-projections are computed again in the backward pass.
    work.input.products.insert(work.input.products.end(), projections.up.begin(), projections.up.end());
  }
  // Of the FP8 recipe with MLA: the published chunk's launches (docs/costs.md, section 2), router apart. Else one per
  // product and per step above.
  const bool recipe = shape.fp8 && a.is_mla();
  work.forward.kernels = recipe ? 63 : 6;
  work.input.kernels = recipe ? 92 : 8;
  work.weight.kernels = recipe ? 4 : 2;
  if (shape.tensor > 1) {
    work.forward.all_reduces = work.input.all_reduces = 1;
    work.forward.all_reduce_bytes = work.input.all_reduce_bytes = 2 * shape.tokens * model.hidden;
  }
  return work;
}

}  // namespace pipeloom
