#include "sim/cost/pass_work.h"

namespace pipeloom::sim {

namespace {

double received_tokens(const WorkShape& shape) {
  return shape.routed_tokens() * shape.routing.gpus_per_token;
}

AllToAll all_to_all(const Model& model, const WorkShape& shape, Format format) {
  const double token_bytes = row_bytes(format, model.hidden);
  const Routing& routing = shape.routing;
  return {shape.routed_tokens() * routing.nodes_per_token * routing.off_node_share() * token_bytes,
          received_tokens(shape) * routing.off_gpu_share() * token_bytes, token_bytes};
}

std::vector<Product> expert_products(const Model& model, const WorkShape& shape) {
  const MoeShape& moe = *model.moe;
  const double hidden = model.hidden;
  const double up = model.gated_mlp ? 2 : 1;
  const double groups = static_cast<double>(moe.routed_experts) / shape.routing.gpus;
  const double rows = shape.routed_tokens() * moe.experts_per_token / groups;
  const double routed = moe.intermediate;
  std::vector<Product> products = {Product{rows, up * routed, hidden, groups, shape.fp8_mlp(), false},
                                   Product{rows, hidden, routed, groups, shape.fp8_mlp(), false}};
  if (moe.shared_experts > 0) {
    const double shared = static_cast<double>(moe.shared_experts) * moe.intermediate / shape.tensor;
    products.push_back(Product{shape.tokens, up * shared, hidden, 1, shape.fp8_mlp(), false});
    products.push_back(Product{shape.tokens, hidden, shared, 1, shape.fp8_mlp(), false});
  }
  return products;
}

}  // namespace

// Norm, gate and top-k; the gate stays in BF16 (DeepSeek-V3, section 3.3.1).
ComponentWork router_work(const Model& model, const WorkShape& shape) {
  const double hidden_size = shape.routed_tokens() * model.hidden;
  ComponentWork work = compute_component(Component::kRouter,
                                         {Product{shape.routed_tokens(), static_cast<double>(model.moe->routed_experts),
                                                  static_cast<double>(model.hidden), 1, false, false}});
  work.forward.memory_bytes = (shape.fp8_mlp() ? 7 : 4) * hidden_size;
  work.input.memory_bytes = 12 * hidden_size;
  work.forward.kernels = 6;
  work.input.kernels = 9;
  work.weight.kernels = 1;
  return work;
}

// Permutation, routed and shared experts. Bytes: docs/research/costs.md, section 5.
ComponentWork experts_work(const Model& model, const WorkShape& shape) {
  const MoeShape& moe = *model.moe;
  const double hidden = model.hidden;
  const double received = received_tokens(shape) * hidden;
  const double rows = shape.routed_tokens() * moe.experts_per_token;
  const double row_size = rows * hidden;
  const double inner = rows * moe.intermediate;
  const double shared = shape.routed_tokens() * moe.shared_experts * moe.intermediate;
  ComponentWork work = compute_component(Component::kExperts, expert_products(model, shape));
  const double unpermute = 2 * (row_size + received);
  if (shape.fp8_mlp()) {
    const double held = static_cast<double>(moe.routed_experts) / shape.routing.gpus;
    const double weights = held * hidden * moe.intermediate * (model.gated_mlp ? 3 : 2);
    work.forward.memory_bytes = received + row_size + 11 * (inner + shared) + unpermute + 2 * weights;
    work.input.memory_bytes = received + row_size + 33 * inner + 24 * shared + unpermute +
                              shape.routed_tokens() * hidden * (7 + (moe.shared_experts > 0 ? 6 : 0));
    work.weight.memory_bytes = 4 * row_size;
  } else {
    const double permute = 2 * (row_size + received);
    work.forward.memory_bytes = permute + (model.gated_mlp ? 6 : 4) * (inner + shared) + unpermute;
    work.input.memory_bytes = permute + (model.gated_mlp ? 10 : 6) * (inner + shared) + unpermute;
  }
  // The launches of the published profile (docs/research/costs.md, section 2); without the FP8 recipe one per product
  // and step.
  work.forward.kernels = shape.fp8_mlp() ? 20 : 8;
  work.input.kernels = shape.fp8_mlp() ? 29 : 10;
  work.weight.kernels = shape.fp8_mlp() ? 12 : 4;
  return work;
}

// The backward of each is the other's kernel (DeepSeek-V3, section 3.3.3: FP8 to the experts, BF16 back).
ComponentWork dispatch_work(const Model& model, const WorkShape& shape) {
  ComponentWork work;
  work.component = Component::kDispatch;
  work.lane = Lane::kEp;
  work.forward.all_to_all = all_to_all(model, shape, shape.formats.dispatch);
  work.input.all_to_all = all_to_all(model, shape, shape.formats.combine);
  return work;
}

ComponentWork combine_work(const Model& model, const WorkShape& shape) {
  ComponentWork work;
  work.component = Component::kCombine;
  work.lane = Lane::kEp;
  work.forward.all_to_all = all_to_all(model, shape, shape.formats.combine);
  work.input.all_to_all = all_to_all(model, shape, shape.formats.dispatch);
  return work;
}

}  // namespace pipeloom::sim
