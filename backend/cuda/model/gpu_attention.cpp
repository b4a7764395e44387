#include "backend/cuda/model/gpu_attention.h"

namespace pipeloom {

GpuAttention::GpuAttention(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers)
    : tokens_(setup.tokens),
      head_dim_(model.attention.head_dim),
      turned_heads_(model.learned_positions > 0 ? 0 : model.attention.heads + model.attention.kv_heads),
      query_width_(int64_t{model.attention.heads} * model.attention.head_dim),
      key_width_(int64_t{model.attention.kv_heads} * model.attention.head_dim),
      products_(setup.linear),
      norm_(setup, find_weight(numbers.part.own(), "norm", numbers.own)),
      query_key_value_(find_weight(numbers.part.own(), "query_key_value", numbers.own)),
      output_(find_weight(numbers.part.own(), "output", numbers.own)),
      core_(setup,
            {setup.sequence, model.attention.heads, model.attention.kv_heads, head_dim_, model.attention.value_dim}),
      rope_(turned_heads_ > 0 ? setup.constants.rope(setup.sequence, head_dim_) : RopeTables{}),
      normed_(setup.kept.take<Bf16>(tokens_ * query_key_value_.rows)),
      inner_(setup.kept.take<Bf16>(tokens_ * query_key_value_.columns)),
      core_output_(setup.kept.take<Bf16>(tokens_ * output_.rows)),
      inner_gradient_(setup.kept.take<Bf16>(tokens_ * query_key_value_.columns)),
      output_gradient_(setup.kept.take<Bf16>(tokens_ * output_.columns)),
      full_inner_(setup.scratch.take<float>(tokens_ * query_key_value_.columns)),
      full_core_(setup.scratch.take<float>(tokens_ * output_.rows)),
      core_gradient_(setup.scratch.take<Bf16>(tokens_ * output_.rows)) {
  products_.prepare(tokens_, query_key_value_);
  products_.prepare(tokens_, output_);
}

GpuCore::Inputs GpuAttention::core_inputs() const {
  const int64_t width = query_key_value_.columns;
  return {{inner_, width}, {inner_ + query_width_, width}, {inner_ + query_width_ + key_width_, width}};
}

// Queries and keys lie side by side.
void GpuAttention::turn(const SmStream& stream, bool back) const {
  if (turned_heads_ == 0) return;
  turn_heads(stream, {tokens_, turned_heads_, head_dim_}, {full_inner_, query_key_value_.columns, head_dim_}, rope_,
             back);
}

void GpuAttention::forward(const SmStream& stream, GpuFlow& flow) {
  norm_.forward(stream, flow.hidden, query_key_value_.rows, normed_);
  products_.times(stream, normed_, tokens_, query_key_value_, full_inner_, Into::kSet);
  turn(stream, false);
  round_to_bf16(stream, full_inner_, tokens_ * query_key_value_.columns, inner_);
  core_.forward(stream, core_inputs(), {full_core_, output_.rows});
  round_to_bf16(stream, full_core_, tokens_ * output_.rows, core_output_);
  products_.times(stream, core_output_, tokens_, output_, flow.hidden, Into::kAdd);
}

void GpuAttention::input_backward(const SmStream& stream, GpuFlow& flow) {
  const int64_t width = query_key_value_.columns;
  round_to_bf16(stream, flow.gradient, tokens_ * output_.columns, output_gradient_);
  products_.input_gradient(stream, output_gradient_, tokens_, output_, full_core_, Into::kSet);
  round_to_bf16(stream, full_core_, tokens_ * output_.rows, core_gradient_);
  core_.input_backward(
      stream, core_inputs(), {core_gradient_, output_.rows},
      {{full_inner_, width}, {full_inner_ + query_width_, width}, {full_inner_ + query_width_ + key_width_, width}});
  turn(stream, true);
  round_to_bf16(stream, full_inner_, tokens_ * width, inner_gradient_);
  products_.input_gradient(stream, inner_gradient_, tokens_, query_key_value_, norm_.output_gradient(), Into::kSet);
  norm_.input_backward(stream, flow.gradient, flow.gradient);
}

void GpuAttention::weight_backward(const SmStream& stream) {
  norm_.weight_backward(stream);
  products_.add_weight_gradient(stream, normed_, inner_gradient_, tokens_, query_key_value_);
  products_.add_weight_gradient(stream, core_output_, output_gradient_, tokens_, output_);
}

}  // namespace pipeloom
