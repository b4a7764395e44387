#include "sim/cost/pass_work.h"

#include <algorithm>

#include "sim/cost/groups.h"

namespace pipeloom::sim {

double PassWork::flops() const {
  double sum = core_forward_flops + core_backward_flops;
  for (const Product& product : products) sum += product.flops();
  return sum;
}

PassWork& PassWork::operator+=(const PassWork& other) {
  products.insert(products.end(), other.products.begin(), other.products.end());
  core_forward_flops += other.core_forward_flops;
  core_backward_flops += other.core_backward_flops;
  memory_bytes += other.memory_bytes;
  kernels += other.kernels;
  all_reduces += other.all_reduces;
  all_reduce_bytes = std::max(all_reduce_bytes, other.all_reduce_bytes);
  context_bytes += other.context_bytes;
  all_to_all.nic_bytes += other.all_to_all.nic_bytes;
  all_to_all.nvlink_bytes += other.all_to_all.nvlink_bytes;
  all_to_all.token_bytes = std::max(all_to_all.token_bytes, other.all_to_all.token_bytes);
  return *this;
}

WorkShape make_work_shape(const Job& job) {
  WorkShape shape;
  shape.tokens = static_cast<double>(job.batch.tokens()) / job.layout.context;
  shape.sequence = static_cast<double>(job.batch.sequence_length);
  shape.tensor = job.layout.tensor;
  shape.context = job.layout.context;
  shape.sequence_parallel = job.layout.sequence_parallel;
  shape.unfused_attention = job.attention_kernel == AttentionKernel::kUnfused;
  shape.formats = formats_of(job);
  shape.recompute = job.recompute;
  if (job.model->moe) {
    shape.routing = make_routing(*job.model->moe, expert_group(job.layout, *job.cluster));
  }
  return shape;
}

ComponentWork compute_component(Component component, std::vector<Product> products) {
  ComponentWork work;
  work.component = component;
  for (const Product& product : products) {
    work.input.products.push_back(product.for_input());
    work.weight.products.push_back(product.for_weight());
  }
  work.forward.products = std::move(products);
  return work;
}

void add_block_end(const Model& model, double hidden_size, ComponentWork& work) {
  if (model.dropout) {
    work.forward.memory_bytes += hidden_size;
    work.input.memory_bytes += 5 * hidden_size;
  }
  if (model.mlp_bias) work.weight.memory_bytes += 2 * hidden_size;
}

std::vector<ComponentWork> layer_work(const Model& model, const WorkShape& shape, int kind, int layer) {
  std::vector<ComponentWork> parts = {attention_work(model, shape)};
  if (!model.is_moe_layer(kind)) {
    parts.push_back(mlp_work(model, shape));
  } else {
    const bool spread = shape.routing.gpus > 1;
    parts.push_back(router_work(model, shape));
    if (spread) parts.push_back(dispatch_work(model, shape));
    parts.push_back(experts_work(model, shape));
    if (spread) parts.push_back(combine_work(model, shape));
  }
  for (ComponentWork& part : parts) {
    part.layer = layer;
    if (shape.recompute == Recompute::kFull) part.input += part.forward;
  }
  return parts;
}

}  // namespace pipeloom::sim
