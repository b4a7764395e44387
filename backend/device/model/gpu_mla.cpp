#include <algorithm>
#include <optional>

#include "backend/device/model/gpu_core.h"
#include "backend/device/model/gpu_norm.h"
#include "backend/device/model/gpu_part.h"
#include "backend/device/model/gpu_parts.h"

namespace pipeloom::backend {

namespace {

// Mla in backend/model/mla.h: attention with compressed keys and values.
class GpuMla : public GpuPart {
 public:
  GpuMla(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  // Of the normed input: the latents and the rotary key, which all heads share.
  void compress(const SmStream& stream, const Bf16* normed);
  void make_query(const SmStream& stream, const Bf16* input) const;
  void make_key_and_value(const SmStream& stream, const Bf16* latent) const;
  void recompute(const SmStream& stream) const;
  void query_backward(const SmStream& stream) const;
  void key_and_value_backward(const SmStream& stream) const;
  GpuCore::Inputs core_inputs() const {
    return {{query_, query_width()}, {key_, query_width()}, {value_, value_width()}};
  }
  // The rotary part of every head in rows of queries or keys.
  HeadShape rotary_shape() const { return {tokens_, shape_.heads, shape_.rope_dim}; }
  int64_t query_width() const { return shape_.heads * head_width_; }
  int64_t value_width() const { return int64_t{shape_.heads} * shape_.value_dim; }
  AttentionShape shape_;
  int64_t tokens_;
  int64_t head_width_;  // head_dim + rope_dim
  bool again_;          // latents, queries, keys and values in I
  const GpuProducts& products_;
  GpuKeptNorm norm_;
  GpuWeight down_;
  GpuKeptNorm latent_norm_;
  GpuWeight up_;
  GpuWeight output_;
  GpuWeight query_weight_;
  GpuWeight query_down_;
  std::optional<GpuKeptNorm> query_norm_;  // with query compression
  GpuCore core_;
  RopeTables rope_;
  // Kept.
  Bf16* shared_key_;  // [tokens, rope], turned
  Bf16* query_;       // these three are scratch where they are computed again
  Bf16* key_;
  Bf16* value_;
  GpuKept core_output_;  // [tokens, heads * value_dim]
  // Kept from I on.
  GpuFactor query_gradient_;
  GpuFactor query_down_gradient_;
  GpuFactor up_gradient_;
  GpuFactor down_gradient_;
  GpuFactor output_gradient_;
  // Scratch.
  float* full_query_;     // [tokens, heads * (d + rope)]; also its gradient
  float* full_key_;       // the same of keys
  float* full_value_;     // [tokens, heads * value_dim]
  float* full_up_;        // [tokens, heads * (d + value_dim)]
  float* full_latent_;    // [tokens, the larger of q rank and kv rank + rope]
  Bf16* rounded_latent_;  // the same
  float* full_shared_key_;
  float* full_core_;        // [tokens, heads * value_dim]
  Bf16* rounded_core_;      // the same
  Bf16* core_gradient_;     // the same
  float* full_hidden_;      // [tokens, hidden]
  Bf16* rounded_gradient_;  // of the widest of the gradients that are kept
};

GpuWeight own(const GpuPartNumbers& numbers, const char* name) {
  return find_weight(numbers.part.own(), name, numbers.own);
}

GpuMla::GpuMla(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers)
    : shape_(model.attention),
      tokens_(setup.tokens),
      head_width_(shape_.head_dim + shape_.rope_dim),
      again_(setup.keeping.selective),
      products_(setup.attention),
      norm_(setup, products_, own(numbers, "norm")),
      down_(own(numbers, "down")),
      latent_norm_(setup, products_, own(numbers, "latent_norm")),
      up_(own(numbers, "up")),
      output_(own(numbers, "output")),
      query_weight_(own(numbers, "query")),
      core_(setup, {setup.sequence, shape_.heads, shape_.heads, head_width_, shape_.value_dim}),
      rope_(setup.constants.rope(setup.sequence, shape_.rope_dim)),
      core_output_(setup.kept, setup.keeping.formats.cached_core, tokens_, value_width()) {
  const auto rounded = [&](Arena& arena, int64_t columns) { return arena.take<Bf16>(tokens_ * columns); };
  const auto scratch = [&](int64_t columns) { return setup.scratch.take<float>(tokens_ * columns); };
  const auto operand = [&](bool again, int64_t columns) {
    return rounded(again ? setup.scratch : setup.kept, columns);
  };
  int64_t widest = 0;
  const auto gradient = [&](int64_t columns) {
    widest = std::max(widest, columns);
    return GpuFactor::from_input(setup, products_, tokens_, columns);
  };
  if (shape_.q_lora_rank > 0) {
    query_down_ = own(numbers, "query_down");
    query_norm_.emplace(setup, products_, own(numbers, "query_norm"));
    query_down_gradient_ = gradient(query_down_.columns);
    products_.prepare(tokens_, query_down_);
  }
  shared_key_ = rounded(setup.kept, shape_.rope_dim);
  query_ = operand(again_ && query_norm_, query_width());  // without compression it is no up-projection
  key_ = operand(again_, query_width());
  value_ = operand(again_, value_width());
  query_gradient_ = gradient(query_width());
  up_gradient_ = gradient(up_.columns);
  down_gradient_ = gradient(down_.columns);
  output_gradient_ = gradient(output_.columns);
  full_query_ = scratch(query_width());
  full_key_ = scratch(query_width());
  full_value_ = scratch(value_width());
  full_up_ = scratch(up_.columns);
  full_latent_ = scratch(std::max<int64_t>(down_.columns, shape_.q_lora_rank));
  rounded_latent_ = rounded(setup.scratch, std::max<int64_t>(down_.columns, shape_.q_lora_rank));
  full_shared_key_ = scratch(shape_.rope_dim);
  full_core_ = scratch(value_width());
  rounded_core_ = rounded(setup.scratch, value_width());
  core_gradient_ = rounded(setup.scratch, value_width());
  full_hidden_ = scratch(output_.columns);
  rounded_gradient_ = rounded(setup.scratch, widest);
  for (const GpuWeight& weight : {down_, up_, output_, query_weight_}) products_.prepare(tokens_, weight);
}

void GpuMla::make_query(const SmStream& stream, const Bf16* input) const {
  products_.times(stream, input, tokens_, query_weight_, full_query_, Into::kSet);
  turn_heads(stream, rotary_shape(), {full_query_ + shape_.head_dim, query_width(), head_width_}, rope_, false);
  round_to_bf16(stream, full_query_, tokens_ * query_width(), query_);
}

void GpuMla::make_key_and_value(const SmStream& stream, const Bf16* latent) const {
  const int64_t both = shape_.head_dim + shape_.value_dim;
  products_.times(stream, latent, tokens_, up_, full_up_, Into::kSet);
  const HeadColumns<const float> up = {full_up_, up_.columns, both};
  move_columns(stream, {tokens_, shape_.heads, shape_.head_dim}, up,
               HeadColumns<Bf16>{key_, query_width(), head_width_});
  move_columns(stream, rotary_shape(), HeadColumns<const Bf16>{shared_key_, shape_.rope_dim, 0},
               HeadColumns<Bf16>{key_ + shape_.head_dim, query_width(), head_width_});
  const HeadColumns<const float> value = {full_up_ + shape_.head_dim, up_.columns, both};
  move_columns(stream, {tokens_, shape_.heads, shape_.value_dim}, value,
               HeadColumns<Bf16>{value_, value_width(), shape_.value_dim});
}

void GpuMla::compress(const SmStream& stream, const Bf16* normed) {
  const Bf16* query_input = normed;
  if (query_norm_) {
    products_.times(stream, normed, tokens_, query_down_, full_latent_, Into::kSet);
    round_to_bf16(stream, full_latent_, tokens_ * query_down_.columns, rounded_latent_);
    query_input = query_norm_->forward(stream, {rounded_latent_, query_down_.columns});
  }
  make_query(stream, query_input);
  products_.times(stream, normed, tokens_, down_, full_latent_, Into::kSet);
  round_to_bf16(stream, full_latent_, tokens_ * down_.columns, rounded_latent_);
  const HeadShape rotary = {tokens_, 1, shape_.rope_dim};
  const HeadColumns<const Bf16> down = {rounded_latent_ + shape_.kv_lora_rank, down_.columns, 0};
  const HeadColumns<float> shared_key = {full_shared_key_, shape_.rope_dim, 0};
  move_columns(stream, rotary, down, shared_key);
  turn_heads(stream, rotary, shared_key, rope_, false);
  round_to_bf16(stream, full_shared_key_, tokens_ * shape_.rope_dim, shared_key_);
  make_key_and_value(stream, latent_norm_.forward(stream, {rounded_latent_, down_.columns}));
}

void GpuMla::forward(const SmStream& stream, GpuFlow& flow) {
  compress(stream, norm_.forward(stream, {flow.hidden, output_.columns}));
  core_.forward(stream, core_inputs(), {full_core_, value_width()});
  Bf16* core = core_output_.place(rounded_core_);
  round_to_bf16(stream, full_core_, tokens_ * value_width(), core);
  products_.times(stream, core, tokens_, output_, full_hidden_, Into::kSet);
  core_output_.keep(stream, core);
  add_numbers(stream, full_hidden_, tokens_ * output_.columns, flow.hidden);
}

void GpuMla::recompute(const SmStream& stream) const {
  norm_.recompute(stream);
  if (query_norm_) make_query(stream, query_norm_->recompute(stream));
  make_key_and_value(stream, latent_norm_.recompute(stream));
}

// What reaches the normed input by way of the queries.
void GpuMla::query_backward(const SmStream& stream) const {
  turn_heads(stream, rotary_shape(), {full_query_ + shape_.head_dim, query_width(), head_width_}, rope_, true);
  Bf16* gradient = query_gradient_.place(rounded_gradient_);
  round_to_bf16(stream, full_query_, tokens_ * query_width(), gradient);
  query_gradient_.keep(stream, gradient);
  if (!query_norm_) {
    return products_.input_gradient(stream, gradient, tokens_, query_weight_, full_hidden_, Into::kSet);
  }
  const int64_t rank = query_down_.columns;
  products_.input_gradient(stream, gradient, tokens_, query_weight_, full_latent_, Into::kSet);
  Bf16* down_gradient = query_down_gradient_.place(rounded_gradient_);
  query_norm_->norm().input_backward(stream, {full_latent_, rank}, nullptr, {down_gradient, rank});
  query_down_gradient_.keep(stream, down_gradient);
  products_.input_gradient(stream, down_gradient, tokens_, query_down_, full_hidden_, Into::kSet);
}

// What reaches it by way of keys and values, which all heads' rotary keys join.
void GpuMla::key_and_value_backward(const SmStream& stream) const {
  const int64_t both = shape_.head_dim + shape_.value_dim;
  Bf16* up_gradient = up_gradient_.place(rounded_gradient_);
  const HeadColumns<const float> key = {full_key_, query_width(), head_width_};
  move_columns(stream, {tokens_, shape_.heads, shape_.head_dim}, key,
               HeadColumns<Bf16>{up_gradient, up_.columns, both});
  const HeadColumns<const float> value = {full_value_, value_width(), shape_.value_dim};
  move_columns(stream, {tokens_, shape_.heads, shape_.value_dim}, value,
               HeadColumns<Bf16>{up_gradient + shape_.head_dim, up_.columns, both});
  up_gradient_.keep(stream, up_gradient);
  products_.input_gradient(stream, up_gradient, tokens_, up_, full_latent_, Into::kSet);
  const HeadShape rotary = {tokens_, 1, shape_.rope_dim};
  const HeadColumns<float> shared_key = {full_shared_key_, shape_.rope_dim, 0};
  sum_heads(stream, rotary_shape(), {full_key_ + shape_.head_dim, query_width(), head_width_}, shared_key);
  turn_heads(stream, rotary, shared_key, rope_, true);
  Bf16* down_gradient = down_gradient_.place(rounded_gradient_);
  move_columns(stream, rotary, HeadColumns<const float>{full_shared_key_, shape_.rope_dim, 0},
               HeadColumns<Bf16>{down_gradient + shape_.kv_lora_rank, down_.columns, 0});
  latent_norm_.norm().input_backward(stream, {full_latent_, shape_.kv_lora_rank}, nullptr,
                                     {down_gradient, down_.columns});
  down_gradient_.keep(stream, down_gradient);
  products_.input_gradient(stream, down_gradient, tokens_, down_, full_hidden_, Into::kAdd);
}

void GpuMla::input_backward(const SmStream& stream, GpuFlow& flow) {
  output_gradient_.keep(stream, flow.gradient);
  products_.input_gradient(stream, flow.gradient, tokens_, output_, full_core_, Into::kSet);
  round_to_bf16(stream, full_core_, tokens_ * value_width(), core_gradient_);
  if (again_) recompute(stream);
  core_.input_backward(stream, core_inputs(), {core_gradient_, value_width()},
                       {{full_query_, query_width()}, {full_key_, query_width()}, {full_value_, value_width()}});
  query_backward(stream);
  key_and_value_backward(stream);
  norm_.norm().input_backward(stream, {full_hidden_, output_.columns}, flow.gradient, {flow.gradient, output_.columns});
}

void GpuMla::weight_backward(const SmStream& stream) {
  const auto add = [&](const FactorOfW& input, const GpuFactor& gradient, const GpuWeight& weight) {
    products_.add_weight_gradient(stream, input, gradient.of_w(stream, rounded_gradient_), tokens_, weight);
  };
  const FactorOfW normed = norm_.output(stream);
  norm_.norm().weight_backward(stream);
  latent_norm_.norm().weight_backward(stream);
  if (query_norm_) {
    query_norm_->norm().weight_backward(stream);
    add(normed, query_down_gradient_, query_down_);
  }
  add(query_norm_ ? query_norm_->output(stream) : normed, query_gradient_, query_weight_);
  add(normed, down_gradient_, down_);
  add(latent_norm_.output(stream), up_gradient_, up_);
  add({core_output_.values(stream, rounded_core_)}, output_gradient_, output_);
}

}  // namespace

std::unique_ptr<GpuPart> make_gpu_mla(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers) {
  return std::make_unique<GpuMla>(setup, model, numbers);
}

}  // namespace pipeloom::backend
