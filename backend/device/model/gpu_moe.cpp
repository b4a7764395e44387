#include "backend/device/model/gpu_moe.h"

#include <algorithm>

namespace pipeloom::backend {

GpuPackages::GpuPackages(const Model& model, const PartShape& shape, int64_t tokens) {
  const MoeShape& moe = *model.moe;
  to_experts.gate = {tokens,
                     moe.routed_experts,
                     moe.groups,
                     moe.groups_per_token,
                     moe.experts_per_token,
                     moe.gate == GateScore::kSigmoid,
                     static_cast<float>(moe.gate_scale)};
  to_experts.members = shape.ep_ranks;
  to_experts.width = model.hidden;
  to_experts.format = shape.formats.dispatch;
  home = to_experts;
  home.format = shape.formats.combine;
}

GpuMoeLayer::GpuMoeLayer(const GpuSetup& setup, const Model& model, const PartShape& part)
    : packages(model, part, setup.tokens),
      // The gate's product reads it too, in BF16.
      normed(setup.keeping.selective ? setup.late : setup.kept,
             setup.keeping.selective ? Format::kBf16 : setup.keeping.formats.cached, setup.tokens, model.hidden) {
  const int experts = shape().gate.experts;
  chosen = setup.layer.take<int32_t>(shape().gate.choices());
  weights = setup.layer.take<float>(shape().gate.choices());
  order.choices = setup.layer.take<int32_t>(shape().places());
  order.places = setup.layer.take<int32_t>(shape().gate.choices());
  order.counts = setup.layer.take<int32_t>(experts);
  counts = setup.layer.take<int32_t>(experts);
  row_weights = setup.layer.take<float>(shape().experts_per_member() * padded_rows_per_expert(shape()));
}

void GpuMoeLayer::recompute(const SmStream& stream, Bf16* scratch) const {
  Bf16* output = normed.place(scratch);
  norm->output(stream, {output, norm->width()});
  normed.keep(stream, output);
}

// --- router ---

GpuRouter::GpuRouter(const GpuSetup& setup, const Model& model, const PartShape& shape, const GpuPartNumbers& numbers,
                     std::shared_ptr<GpuMoeLayer> layer)
    : layer_(std::move(layer)),
      keeps_(!setup.keeping.selective),
      again_(setup.keeping.selective && model.moe->shared_experts == 0),
      products_(setup.precise),
      norm_(setup, find_weight(numbers.part.own(), "norm", numbers.own)),
      gate_(find_weight(numbers.part.own(), "gate", numbers.own)),
      bias_(model.moe->bias_step > 0 ? find_weight(numbers.part.own(), "bias", numbers.own) : GpuWeight{}),
      loads_(numbers.loads),
      scores_((gate().sigmoid ? setup.kept : setup.scratch).take<float>(setup.tokens * gate_.columns)),
      counts_(setup.scratch.take<int32_t>(setup.tokens / setup.sequence * gate_.columns)),
      logits_gradient_(setup.late.take<Bf16>(setup.tokens * gate_.columns)),
      rounded_normed_(setup.scratch.take<Bf16>(setup.tokens * gate_.rows)) {
  balance_ = {static_cast<float>(model.moe->balance_loss * shape.loss_scale), setup.sequence, counts_};
  layer_->norm = &norm_;
}

void GpuRouter::forward(const SmStream& stream, GpuFlow& flow) {
  norm_.forward(stream, {flow.hidden, gate_.rows}, {flow.normed, gate_.rows});
  if (keeps_) layer_->normed.keep(stream, flow.normed);
  products_.times(stream, flow.normed, gate().tokens, gate_, scores_, Into::kSet);
  choose_experts(stream, gate(), scores_, bias_.full, layer_->chosen, layer_->weights);
}

void GpuRouter::input_backward(const SmStream& stream, GpuFlow& flow) {
  if (again_) layer_->recompute(stream, rounded_normed_);
  if (balance_.factor != 0) count_choices(stream, gate(), balance_.sequence, layer_->chosen, counts_);
  choose_experts_backward(stream, gate(), scores_, balance_, layer_->chosen, layer_->weights, flow.weights_gradient,
                          logits_gradient_);
  products_.input_gradient(stream, logits_gradient_, gate().tokens, gate_, flow.normed_gradient, Into::kAdd);
  norm_.input_backward(stream, {flow.normed_gradient, gate_.rows}, flow.gradient, {flow.gradient, gate_.rows});
}

void GpuRouter::weight_backward(const SmStream& stream) {
  norm_.weight_backward(stream);
  products_.add_weight_gradient(stream, {layer_->normed.values(stream, rounded_normed_)}, {logits_gradient_},
                                gate().tokens, gate_);
  if (bias_.gradient != nullptr) add_loads(stream, layer_->order.counts, gate().experts, bias_.gradient);
  add_loads(stream, layer_->order.counts, gate().experts, loads_);
}

// --- dispatch ---

void GpuDispatch::pack_forward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) {
  const PackageShape& shape = layer_->packages.to_experts;
  order_choices(stream, shape, layer_->chosen, layer_->order);
  pack_rows(stream, shape, layer_->order, flow.normed, layer_->weights, packages);
}

void GpuDispatch::unpack_forward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) {
  const PackageShape& shape = layer_->packages.to_experts;
  read_headers(stream, shape, packages, layer_->counts);
  spread_packages(stream, shape, packages, layer_->counts, flow.expert_rows, layer_->row_weights);
}

void GpuDispatch::pack_backward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) {
  gather_packages(stream, layer_->packages.home, flow.expert_rows, layer_->row_weights, layer_->counts, packages);
}

void GpuDispatch::unpack_backward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) {
  add_rows(stream, layer_->packages.home, layer_->order, packages, flow.normed_gradient, flow.weights_gradient);
}

// --- combine ---

void GpuCombine::pack_forward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) {
  gather_packages(stream, layer_->packages.home, flow.expert_rows, nullptr, layer_->counts, packages);
}

void GpuCombine::unpack_forward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) {
  add_weighed_rows(stream, layer_->packages.home, layer_->order, layer_->weights, packages, flow.hidden);
}

void GpuCombine::pack_backward(const SmStream& stream, GpuFlow& flow, unsigned char* packages) {
  pack_rows(stream, layer_->packages.to_experts, layer_->order, flow.gradient, nullptr, packages);
}

void GpuCombine::unpack_backward(const SmStream& stream, GpuFlow& flow, const unsigned char* packages) {
  spread_packages(stream, layer_->packages.to_experts, packages, layer_->counts, flow.expert_rows, nullptr);
}

// --- experts ---

GpuExperts::GpuExperts(const GpuSetup& setup, const Model& model, const PartShape& shape, bool with_exchange,
                       const GpuPartNumbers& numbers, std::shared_ptr<GpuMoeLayer> layer)
    : layer_(std::move(layer)),
      size_(setup.tokens * model.hidden),
      again_(setup.keeping.selective && model.moe->shared_experts > 0) {
  rounded_rows_ = setup.scratch.take<Bf16>(std::max(size_per_expert(), size_));
  full_hidden_ = setup.scratch.take<float>(size_);
  const int held = layer_->shape().experts_per_member();
  const int64_t scratch = setup.scratch.mark();
  for (int expert = shape.ep_rank * held; expert < (shape.ep_rank + 1) * held; ++expert) {
    setup.scratch.rewind(scratch);  // one expert at a time
    const std::string name = "expert" + std::to_string(expert) + ".";
    routed_.push_back(
        {GpuKept(setup.kept, setup.keeping.formats.cached, rows_per_expert(), model.hidden),
         {setup, find_weight(numbers.part.routed(), name + "up", numbers.routed),
          find_weight(numbers.part.routed(), name + "down", numbers.routed), rows_per_expert(), model.gated_mlp}});
  }
  setup.scratch.rewind(scratch);
  if (model.moe->shared_experts > 0) {
    shared_.emplace(setup, find_weight(numbers.part.own(), "shared.up", numbers.own),
                    find_weight(numbers.part.own(), "shared.down", numbers.own), setup.tokens, model.gated_mlp);
  }
  if (!with_exchange) return;
  setup.scratch.rewind(scratch);
  auto* alone = setup.scratch.take<unsigned char>(layer_->packages.set_bytes());
  dispatch_.emplace(layer_, alone);
  combine_.emplace(layer_, alone);
}

void GpuExperts::forward(const SmStream& stream, GpuFlow& flow) {
  if (dispatch_) dispatch_->forward(stream, flow);
  if (shared_) {
    shared_->forward(stream, flow.normed, full_hidden_);
    add_numbers(stream, full_hidden_, size_, flow.hidden);
  }
  for (size_t expert = 0; expert < routed_.size(); ++expert) {
    float* rows = flow.expert_rows + static_cast<int64_t>(expert) * size_per_expert();
    const Routed& own = routed_[expert];
    Bf16* input = own.rows.place(rounded_rows_);
    round_to_bf16(stream, rows, size_per_expert(), input);
    own.rows.keep(stream, input);
    own.maths.forward(stream, input, rows);
  }
  if (combine_) combine_->forward(stream, flow);
}

void GpuExperts::input_backward(const SmStream& stream, GpuFlow& flow) {
  if (combine_) combine_->input_backward(stream, flow);
  if (shared_) {
    shared_->input_backward(stream, flow.gradient, flow.normed_gradient);
    if (again_) layer_->recompute(stream, rounded_rows_);
  } else {
    set_zero(stream, size_, flow.normed_gradient);
  }
  for (size_t expert = 0; expert < routed_.size(); ++expert) {
    const auto number = static_cast<int64_t>(expert);
    float* rows = flow.expert_rows + number * size_per_expert();
    const Routed& own = routed_[expert];
    round_to_bf16(stream, rows, size_per_expert(), rounded_rows_);
    own.maths.weighed_input_backward(stream, rounded_rows_, layer_->row_weights + number * rows_per_expert(), rows);
  }
  if (dispatch_) dispatch_->input_backward(stream, flow);
}

void GpuExperts::weight_backward(const SmStream& stream) {
  if (shared_) shared_->weight_backward(stream, {layer_->normed.values(stream, rounded_rows_)});
  for (const Routed& own : routed_) {
    own.maths.weight_backward(stream, {own.rows.values(stream, rounded_rows_)});
  }
}

}  // namespace pipeloom::backend
