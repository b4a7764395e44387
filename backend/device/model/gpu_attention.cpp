#include "backend/device/model/gpu_core.h"
#include "backend/device/model/gpu_norm.h"
#include "backend/device/model/gpu_part.h"
#include "backend/device/model/gpu_parts.h"

namespace pipeloom::backend {

namespace {

// Attention in backend/model/attention.h.
class GpuAttention : public GpuPart {
 public:
  GpuAttention(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers);

  void forward(const SmStream& stream, GpuFlow& flow) override;
  void input_backward(const SmStream& stream, GpuFlow& flow) override;
  void weight_backward(const SmStream& stream) override;

 private:
  GpuCore::Inputs core_inputs() const;
  void turn(const SmStream& stream, bool back) const;

  int64_t tokens_;
  int64_t head_dim_;
  int64_t turned_heads_;  // queries and keys; 0: positions are learned
  int64_t query_width_;
  int64_t key_width_;
  bool again_;  // the norm's output in I
  const GpuProducts& products_;
  GpuKeptNorm norm_;
  GpuWeight query_key_value_;
  GpuWeight output_;
  GpuCore core_;
  RopeTables rope_;
  // Kept.
  Bf16* inner_;          // [tokens, width of query_key_value], turned
  GpuKept core_output_;  // [tokens, heads * value_dim]
  // From I, for W.
  GpuFactor inner_gradient_;   // as inner_
  GpuFactor output_gradient_;  // [tokens, hidden]
  // Scratch.
  Bf16* rounded_inner_;   // as inner_
  float* full_inner_;     // as inner_
  float* full_core_;      // as core_output_
  Bf16* rounded_core_;    // the same
  Bf16* core_gradient_;   // the same
  float* full_hidden_;    // [tokens, hidden]
  Bf16* rounded_hidden_;  // the same
};

GpuAttention::GpuAttention(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers)
    : tokens_(setup.tokens),
      head_dim_(model.attention.head_dim),
      turned_heads_(model.learned_positions > 0 ? 0 : model.attention.heads + model.attention.kv_heads),
      query_width_(int64_t{model.attention.heads} * model.attention.head_dim),
      key_width_(int64_t{model.attention.kv_heads} * model.attention.head_dim),
      again_(setup.keeping.selective),
      products_(setup.attention),
      norm_(setup, products_, find_weight(numbers.part.own(), "norm", numbers.own)),
      query_key_value_(find_weight(numbers.part.own(), "query_key_value", numbers.own)),
      output_(find_weight(numbers.part.own(), "output", numbers.own)),
      core_(setup,
            {setup.sequence, model.attention.heads, model.attention.kv_heads, head_dim_, model.attention.value_dim}),
      rope_(turned_heads_ > 0 ? setup.constants.rope(setup.sequence, head_dim_) : RopeTables{}),
      inner_(setup.kept.take<Bf16>(tokens_ * query_key_value_.columns)),
      core_output_(setup.kept, setup.keeping.formats.cached_core, tokens_, output_.rows),
      inner_gradient_(GpuFactor::from_input(setup, products_, tokens_, query_key_value_.columns)),
      output_gradient_(GpuFactor::from_input(setup, products_, tokens_, output_.columns)),
      rounded_inner_(setup.scratch.take<Bf16>(tokens_ * query_key_value_.columns)),
      full_inner_(setup.scratch.take<float>(tokens_ * query_key_value_.columns)),
      full_core_(setup.scratch.take<float>(tokens_ * output_.rows)),
      rounded_core_(setup.scratch.take<Bf16>(tokens_ * output_.rows)),
      core_gradient_(setup.scratch.take<Bf16>(tokens_ * output_.rows)),
      full_hidden_(setup.scratch.take<float>(tokens_ * output_.columns)),
      rounded_hidden_(setup.scratch.take<Bf16>(tokens_ * output_.columns)) {
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
  const Bf16* normed = norm_.forward(stream, {flow.hidden, output_.columns});
  products_.times(stream, normed, tokens_, query_key_value_, full_inner_, Into::kSet);
  turn(stream, false);
  round_to_bf16(stream, full_inner_, tokens_ * query_key_value_.columns, inner_);
  core_.forward(stream, core_inputs(), {full_core_, output_.rows});
  Bf16* core = core_output_.place(rounded_core_);
  round_to_bf16(stream, full_core_, tokens_ * output_.rows, core);
  products_.times(stream, core, tokens_, output_, full_hidden_, Into::kSet);
  core_output_.keep(stream, core);
  add_numbers(stream, full_hidden_, tokens_ * output_.columns, flow.hidden);
}

void GpuAttention::input_backward(const SmStream& stream, GpuFlow& flow) {
  const int64_t width = query_key_value_.columns;
  output_gradient_.keep(stream, flow.gradient);
  products_.input_gradient(stream, flow.gradient, tokens_, output_, full_core_, Into::kSet);
  round_to_bf16(stream, full_core_, tokens_ * output_.rows, core_gradient_);
  core_.input_backward(
      stream, core_inputs(), {core_gradient_, output_.rows},
      {{full_inner_, width}, {full_inner_ + query_width_, width}, {full_inner_ + query_width_ + key_width_, width}});
  turn(stream, true);
  Bf16* inner_gradient = inner_gradient_.place(rounded_inner_);
  round_to_bf16(stream, full_inner_, tokens_ * width, inner_gradient);
  inner_gradient_.keep(stream, inner_gradient);
  if (again_) norm_.recompute(stream);
  products_.input_gradient(stream, inner_gradient, tokens_, query_key_value_, full_hidden_, Into::kSet);
  norm_.norm().input_backward(stream, {full_hidden_, output_.columns}, flow.gradient, {flow.gradient, output_.columns});
}

void GpuAttention::weight_backward(const SmStream& stream) {
  norm_.norm().weight_backward(stream);
  products_.add_weight_gradient(stream, norm_.output(stream), inner_gradient_.of_w(stream, rounded_inner_), tokens_,
                                query_key_value_);
  products_.add_weight_gradient(stream, {core_output_.values(stream, rounded_core_)},
                                output_gradient_.of_w(stream, rounded_hidden_), tokens_, output_);
}

}  // namespace

std::unique_ptr<GpuPart> make_gpu_attention(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers) {
  return std::make_unique<GpuAttention>(setup, model, numbers);
}

}  // namespace pipeloom::backend
