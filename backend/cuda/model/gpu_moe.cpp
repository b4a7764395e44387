#include "backend/cuda/model/gpu_moe.h"

namespace pipeloom {

GpuMoeLayer::GpuMoeLayer(const GpuSetup& setup, const Model& model, const PartShape& shape) {
  const MoeShape& moe = *model.moe;
  packages.gate = {setup.tokens, moe.routed_experts, moe.groups, moe.groups_per_token, moe.experts_per_token};
  packages.members = shape.ep_ranks;
  packages.width = model.hidden;
  normed = setup.kept.take<Bf16>(setup.tokens * model.hidden);
  chosen = setup.kept.take<int32_t>(packages.gate.choices());
  weights = setup.kept.take<float>(packages.gate.choices());
  order.choices = setup.kept.take<int32_t>(packages.places());
  order.places = setup.kept.take<int32_t>(packages.gate.choices());
  order.counts = setup.kept.take<int32_t>(moe.routed_experts);
  counts = setup.kept.take<int32_t>(moe.routed_experts);
  rows = setup.kept.take<Bf16>(padded_size());
  rows_gradient = setup.kept.take<Bf16>(padded_size());
}

// --- router ---

GpuRouter::GpuRouter(const GpuSetup& setup, const GpuPartNumbers& numbers, std::shared_ptr<GpuMoeLayer> layer)
    : layer_(std::move(layer)),
      products_(setup.precise),
      norm_(setup, find_weight(numbers.part.own(), "norm", numbers.own)),
      gate_(find_weight(numbers.part.own(), "gate", numbers.own)),
      logits_(setup.scratch.take<float>(setup.tokens * gate_.columns)),
      logits_gradient_(setup.kept.take<Bf16>(setup.tokens * gate_.columns)) {
  // What dispatch and the shared experts make of the gradient of their input goes straight to where the norm needs it.
  layer_->normed_gradient = norm_.output_gradient();
}

void GpuRouter::forward(const SmStream& stream, GpuFlow& flow) {
  const GateShape& gate = layer_->packages.gate;
  norm_.forward(stream, flow.hidden, gate_.rows, layer_->normed);
  products_.times(stream, layer_->normed, gate.tokens, gate_, logits_, Into::kSet);
  choose_experts(stream, gate, logits_, layer_->chosen, layer_->weights);
}

void GpuRouter::input_backward(const SmStream& stream, GpuFlow& flow) {
  const GateShape& gate = layer_->packages.gate;
  choose_experts_backward(stream, gate, layer_->chosen, layer_->weights, flow.weights_gradient, logits_gradient_);
  products_.input_gradient(stream, logits_gradient_, gate.tokens, gate_, norm_.output_gradient(), Into::kAdd);
  norm_.input_backward(stream, flow.gradient, flow.gradient);
}

void GpuRouter::weight_backward(const SmStream& stream) {
  norm_.weight_backward(stream);
  products_.add_weight_gradient(stream, layer_->normed, logits_gradient_, layer_->packages.gate.tokens, gate_);
}

// --- dispatch ---

void GpuDispatch::pack_forward(const SmStream& stream, GpuFlow& /*flow*/, unsigned char* packages) {
  order_choices(stream, layer_->packages, layer_->chosen, layer_->order);
  pack_rows(stream, layer_->packages, layer_->order, layer_->normed, packages);
}

void GpuDispatch::unpack_forward(const SmStream& stream, GpuFlow& /*flow*/, const unsigned char* packages) {
  spread_packages(stream, layer_->packages, packages, layer_->counts, layer_->rows);
}

void GpuDispatch::pack_backward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) {
  gather_packages(stream, layer_->packages, flow.expert_rows, layer_->counts, packages);
}

void GpuDispatch::unpack_backward(const SmStream& stream, GpuFlow& /*flow*/, const unsigned char* packages) {
  add_packed_rows(stream, layer_->packages, layer_->order, nullptr, packages, layer_->normed_gradient);
}

// --- combine ---

void GpuCombine::pack_forward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) {
  gather_packages(stream, layer_->packages, flow.expert_rows, layer_->counts, packages);
}

void GpuCombine::unpack_forward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) {
  copy_bytes(stream, packages, layer_->packages.set_bytes(), rows_);
  add_packed_rows(stream, layer_->packages, layer_->order, layer_->weights, rows_, flow.hidden);
}

void GpuCombine::pack_backward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) {
  add_packed_rows_backward(stream, layer_->packages, layer_->order, layer_->weights, rows_, flow.gradient, packages,
                           flow.weights_gradient);
}

void GpuCombine::unpack_backward(const SmStream& stream, GpuFlow& /*flow*/, const unsigned char* packages) {
  spread_gradients(stream, layer_->packages, packages, layer_->counts, layer_->rows_gradient);
}

// --- experts ---

GpuExperts::GpuExperts(const GpuSetup& setup, const Model& model, const PartShape& shape, bool with_exchange,
                       const GpuPartNumbers& numbers, std::shared_ptr<GpuMoeLayer> layer)
    : layer_(std::move(layer)) {
  const int held = layer_->packages.experts_per_member();
  const int64_t scratch = setup.scratch.mark();
  for (int expert = shape.ep_rank * held; expert < (shape.ep_rank + 1) * held; ++expert) {
    setup.scratch.rewind(scratch);  // one expert at a time
    const std::string name = "expert" + std::to_string(expert) + ".";
    routed_.emplace_back(setup, find_weight(numbers.part.routed(), name + "up", numbers.routed),
                         find_weight(numbers.part.routed(), name + "down", numbers.routed),
                         padded_rows_per_expert(layer_->packages), model.gated_mlp);
  }
  if (model.moe->shared_experts > 0) {
    shared_.emplace(setup, find_weight(numbers.part.own(), "shared.up", numbers.own),
                    find_weight(numbers.part.own(), "shared.down", numbers.own), setup.tokens, model.gated_mlp);
    output_gradient_ = setup.kept.take<Bf16>(setup.tokens * model.hidden);
  }
  if (!with_exchange) return;
  auto* alone = setup.scratch.take<unsigned char>(layer_->packages.set_bytes());
  dispatch_.emplace(layer_, alone);
  combine_.emplace(setup, layer_, alone);
}

void GpuExperts::forward(const SmStream& stream, GpuFlow& flow) {
  if (dispatch_) dispatch_->forward(stream, flow);
  if (shared_) shared_->forward(stream, layer_->normed, flow.hidden, Into::kAdd);
  for (size_t expert = 0; expert < routed_.size(); ++expert) {
    const int64_t begin = rows_of(expert);
    routed_[expert].forward(stream, layer_->rows + begin, flow.expert_rows + begin, Into::kSet);
  }
  if (combine_) combine_->forward(stream, flow);
}

void GpuExperts::input_backward(const SmStream& stream, GpuFlow& flow) {
  const int64_t size = layer_->packages.gate.tokens * layer_->packages.width;
  if (combine_) combine_->input_backward(stream, flow);
  if (shared_) {
    round_to_bf16(stream, flow.gradient, size, output_gradient_);
    shared_->input_backward(stream, output_gradient_, layer_->normed_gradient);
  } else {
    set_zero(stream, size, layer_->normed_gradient);
  }
  for (size_t expert = 0; expert < routed_.size(); ++expert) {
    const int64_t begin = rows_of(expert);
    routed_[expert].input_backward(stream, layer_->rows_gradient + begin, flow.expert_rows + begin);
  }
  if (dispatch_) dispatch_->input_backward(stream, flow);
}

void GpuExperts::weight_backward(const SmStream& stream) {
  if (shared_) shared_->weight_backward(stream, layer_->normed, output_gradient_);
  for (size_t expert = 0; expert < routed_.size(); ++expert) {
    const int64_t begin = rows_of(expert);
    routed_[expert].weight_backward(stream, layer_->rows + begin, layer_->rows_gradient + begin);
  }
}

}  // namespace pipeloom
