#include "backend/cuda/model/gpu_mla.h"

#include <algorithm>

namespace pipeloom {

namespace {

GpuWeight own(const GpuPartNumbers& numbers, const char* name) {
  return find_weight(numbers.part.own(), name, numbers.own);
}

}  // namespace

GpuMla::GpuMla(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers)
    : shape_(model.attention),
      tokens_(setup.tokens),
      head_width_(shape_.head_dim + shape_.rope_dim),
      products_(setup.linear),
      norm_(setup, own(numbers, "norm")),
      down_(own(numbers, "down")),
      latent_norm_(setup, own(numbers, "latent_norm")),
      up_(own(numbers, "up")),
      output_(own(numbers, "output")),
      query_weight_(own(numbers, "query")),
      core_(setup, {setup.sequence, shape_.heads, shape_.heads, head_width_, shape_.value_dim}),
      rope_(setup.constants.rope(setup.sequence, shape_.rope_dim)) {
  const auto kept = [&](int64_t columns) { return setup.kept.take<Bf16>(tokens_ * columns); };
  const auto scratch = [&](int64_t columns) { return setup.scratch.take<float>(tokens_ * columns); };
  if (shape_.q_lora_rank > 0) {
    query_down_ = own(numbers, "query_down");
    query_norm_.emplace(setup, own(numbers, "query_norm"));
    query_latent_ = kept(query_down_.columns);
    query_down_gradient_ = kept(query_down_.columns);
    products_.prepare(tokens_, query_down_);
  }
  normed_ = kept(down_.rows);
  latent_ = kept(up_.rows);
  query_ = kept(query_width());
  key_ = kept(query_width());
  value_ = kept(value_width());
  core_output_ = kept(value_width());
  query_gradient_ = kept(query_width());
  up_gradient_ = kept(up_.columns);
  down_gradient_ = kept(down_.columns);
  output_gradient_ = kept(output_.columns);
  full_query_ = scratch(query_width());
  full_key_ = scratch(query_width());
  full_value_ = scratch(value_width());
  full_up_ = scratch(up_.columns);
  full_down_ = scratch(down_.columns);
  full_latent_ = scratch(std::max<int64_t>(shape_.kv_lora_rank, shape_.q_lora_rank));
  full_core_ = scratch(value_width());
  core_gradient_ = setup.scratch.take<Bf16>(tokens_ * value_width());
  for (const GpuWeight& weight : {down_, up_, output_, query_weight_}) products_.prepare(tokens_, weight);
}

void GpuMla::make_query(const SmStream& stream) const {
  if (query_norm_) {
    products_.times(stream, normed_, tokens_, query_down_, full_latent_, Into::kSet);
    query_norm_->forward(stream, full_latent_, query_down_.columns, query_latent_);
  }
  products_.times(stream, query_input(), tokens_, query_weight_, full_query_, Into::kSet);
  turn_heads(stream, rotary_shape(), {full_query_ + shape_.head_dim, query_width(), head_width_}, rope_, false);
  round_to_bf16(stream, full_query_, tokens_ * query_width(), query_);
}

void GpuMla::make_key_and_value(const SmStream& stream) const {
  const int64_t both = shape_.head_dim + shape_.value_dim;
  products_.times(stream, normed_, tokens_, down_, full_down_, Into::kSet);
  latent_norm_.forward(stream, full_down_, down_.columns, latent_);
  float* shared_key = full_down_ + shape_.kv_lora_rank;
  turn_heads(stream, {tokens_, 1, shape_.rope_dim}, {shared_key, down_.columns, 0}, rope_, false);
  products_.times(stream, latent_, tokens_, up_, full_up_, Into::kSet);
  move_columns(stream, {tokens_, shape_.heads, shape_.head_dim}, {full_up_, up_.columns, both},
               HeadColumns<Bf16>{key_, query_width(), head_width_});
  move_columns(stream, rotary_shape(), {shared_key, down_.columns, 0},
               HeadColumns<Bf16>{key_ + shape_.head_dim, query_width(), head_width_});
  move_columns(stream, {tokens_, shape_.heads, shape_.value_dim}, {full_up_ + shape_.head_dim, up_.columns, both},
               HeadColumns<Bf16>{value_, value_width(), shape_.value_dim});
}

void GpuMla::forward(const SmStream& stream, GpuFlow& flow) {
  norm_.forward(stream, flow.hidden, down_.rows, normed_);
  make_query(stream);
  make_key_and_value(stream);
  core_.forward(stream, core_inputs(), {full_core_, value_width()});
  round_to_bf16(stream, full_core_, tokens_ * value_width(), core_output_);
  products_.times(stream, core_output_, tokens_, output_, flow.hidden, Into::kAdd);
}

// What reaches the normed input by way of the queries.
void GpuMla::query_backward(const SmStream& stream) const {
  turn_heads(stream, rotary_shape(), {full_query_ + shape_.head_dim, query_width(), head_width_}, rope_, true);
  round_to_bf16(stream, full_query_, tokens_ * query_width(), query_gradient_);
  if (!query_norm_) {
    return products_.input_gradient(stream, query_gradient_, tokens_, query_weight_, norm_.output_gradient(),
                                    Into::kSet);
  }
  products_.input_gradient(stream, query_gradient_, tokens_, query_weight_, query_norm_->output_gradient(), Into::kSet);
  query_norm_->input_backward(stream, nullptr, full_latent_);
  round_to_bf16(stream, full_latent_, tokens_ * query_down_.columns, query_down_gradient_);
  products_.input_gradient(stream, query_down_gradient_, tokens_, query_down_, norm_.output_gradient(), Into::kSet);
}

// What reaches it by way of keys and values, which all heads' rotary keys join.
void GpuMla::key_and_value_backward(const SmStream& stream) const {
  const int64_t both = shape_.head_dim + shape_.value_dim;
  const HeadColumns<const float> key = {full_key_, query_width(), head_width_};
  move_columns(stream, {tokens_, shape_.heads, shape_.head_dim}, key,
               HeadColumns<Bf16>{up_gradient_, up_.columns, both});
  move_columns(stream, {tokens_, shape_.heads, shape_.value_dim}, {full_value_, value_width(), shape_.value_dim},
               HeadColumns<Bf16>{up_gradient_ + shape_.head_dim, up_.columns, both});
  const HeadColumns<float> shared_key = {full_down_ + shape_.kv_lora_rank, down_.columns, 0};
  sum_heads(stream, rotary_shape(), {full_key_ + shape_.head_dim, query_width(), head_width_}, shared_key);
  turn_heads(stream, {tokens_, 1, shape_.rope_dim}, shared_key, rope_, true);
  products_.input_gradient(stream, up_gradient_, tokens_, up_, latent_norm_.output_gradient(), Into::kSet);
  latent_norm_.input_backward(stream, nullptr, full_latent_);
  move_columns(stream, {tokens_, 1, shape_.kv_lora_rank}, {full_latent_, shape_.kv_lora_rank, 0},
               HeadColumns<float>{full_down_, down_.columns, 0});
  round_to_bf16(stream, full_down_, tokens_ * down_.columns, down_gradient_);
  products_.input_gradient(stream, down_gradient_, tokens_, down_, norm_.output_gradient(), Into::kAdd);
}

void GpuMla::input_backward(const SmStream& stream, GpuFlow& flow) {
  round_to_bf16(stream, flow.gradient, tokens_ * output_.columns, output_gradient_);
  products_.input_gradient(stream, output_gradient_, tokens_, output_, full_core_, Into::kSet);
  round_to_bf16(stream, full_core_, tokens_ * value_width(), core_gradient_);
  core_.input_backward(stream, core_inputs(), {core_gradient_, value_width()},
                       {{full_query_, query_width()}, {full_key_, query_width()}, {full_value_, value_width()}});
  query_backward(stream);
  key_and_value_backward(stream);
  norm_.input_backward(stream, flow.gradient, flow.gradient);
}

void GpuMla::weight_backward(const SmStream& stream) {
  norm_.weight_backward(stream);
  latent_norm_.weight_backward(stream);
  if (query_norm_) {
    query_norm_->weight_backward(stream);
    products_.add_weight_gradient(stream, normed_, query_down_gradient_, tokens_, query_down_);
  }
  products_.add_weight_gradient(stream, query_input(), query_gradient_, tokens_, query_weight_);
  products_.add_weight_gradient(stream, normed_, down_gradient_, tokens_, down_);
  products_.add_weight_gradient(stream, latent_, up_gradient_, tokens_, up_);
  products_.add_weight_gradient(stream, core_output_, output_gradient_, tokens_, output_);
}

}  // namespace pipeloom
