#include "backend/device/model/gpu_ends.h"

#include "backend/device/kernels/columns_kernels.h"

namespace pipeloom::backend {

namespace {

GpuWeight table_of(const GpuPartNumbers& numbers, Table table) {
  const Parameter& parameter = numbers.part.table(table).value();
  const GpuNumbers& own = numbers.tables[number_of(table)];
  return {own.weights, own.factors, own.gradients, parameter.rows, parameter.columns};
}

}  // namespace

// --- embedding ---

GpuEmbedding::GpuEmbedding(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers)
    : shape_{setup.tokens, model.hidden, setup.sequence},
      table_(table_of(numbers, Table::kTokens)),
      positions_(model.learned_positions > 0 ? find_weight(numbers.part.own(), "positions", numbers.own) : GpuWeight{}),
      output_gradient_(setup.late.take<Bf16>(setup.tokens * model.hidden)) {}

void GpuEmbedding::forward(const SmStream& stream, GpuFlow& flow) {
  tokens_ = flow.tokens;
  embed(stream, shape_, tokens_, table_.full, positions_.full, flow.hidden);
}

void GpuEmbedding::input_backward(const SmStream& stream, GpuFlow& flow) {
  copy_numbers(stream, flow.gradient, shape_.tokens * shape_.hidden, output_gradient_);
}

void GpuEmbedding::weight_backward(const SmStream& stream) {
  embed_backward(stream, shape_, tokens_, output_gradient_, table_.gradient, positions_.gradient);
}

// --- MTP module ---

GpuMtpInput::GpuMtpInput(const GpuSetup& setup, const Model& model, int depth, const GpuPartNumbers& numbers)
    : depth_(depth),
      again_(setup.keeping.selective),
      shape_{setup.tokens, model.hidden, setup.sequence},
      products_(setup.mlp),
      hidden_norm_(setup, find_weight(numbers.part.own(), "hidden_norm", numbers.own)),
      embedding_norm_(setup, find_weight(numbers.part.own(), "embedding_norm", numbers.own)),
      projection_(find_weight(numbers.part.own(), "projection", numbers.own)),
      table_(table_of(numbers, Table::kTokens)),
      normed_(GpuFactor::from_forward(setup, products_, setup.tokens, projection_.rows)),
      output_gradient_(GpuFactor::from_input(setup, products_, setup.tokens, model.hidden)),
      embedding_gradient_(setup.late.take<Bf16>(setup.tokens * model.hidden)),
      joined_(setup.scratch.take<Bf16>(setup.tokens * projection_.rows)),
      embedding_(setup.scratch.take<Bf16>(setup.tokens * model.hidden)),
      full_hidden_(setup.scratch.take<float>(setup.tokens * model.hidden)),
      joined_gradient_(setup.scratch.take<float>(setup.tokens * projection_.rows)) {
  products_.prepare(setup.tokens, projection_);
}

void GpuMtpInput::forward(const SmStream& stream, GpuFlow& flow) {
  tokens_ = flow.targets + (depth_ - 1) * shape_.tokens;
  embed(stream, shape_, tokens_, table_.full, nullptr, embedding_);
  Bf16* joined = again_ ? joined_ : normed_.place(joined_);
  hidden_norm_.forward(stream, {flow.hidden, shape_.hidden}, half(joined, 0));
  embedding_norm_.forward(stream, {embedding_, shape_.hidden}, half(joined, 1));
  if (!again_) normed_.keep(stream, joined);
  products_.times(stream, joined, shape_.tokens, projection_, full_hidden_, Into::kSet);
  round_to_bf16(stream, full_hidden_, shape_.tokens * shape_.hidden, flow.hidden);
}

void GpuMtpInput::input_backward(const SmStream& stream, GpuFlow& flow) {
  const int64_t width = shape_.hidden;
  output_gradient_.keep(stream, flow.gradient);
  if (again_) {
    Bf16* joined = normed_.place(joined_);
    hidden_norm_.output(stream, half(joined, 0));
    embedding_norm_.output(stream, half(joined, 1));
    normed_.keep(stream, joined);
  }
  products_.input_gradient(stream, flow.gradient, shape_.tokens, projection_, joined_gradient_, Into::kSet);
  embedding_norm_.input_backward(stream, {joined_gradient_ + width, 2 * width}, nullptr, {embedding_gradient_, width});
  hidden_norm_.input_backward(stream, {joined_gradient_, 2 * width}, nullptr, {flow.gradient, width});
}

void GpuMtpInput::weight_backward(const SmStream& stream) {
  hidden_norm_.weight_backward(stream);
  embedding_norm_.weight_backward(stream);
  products_.add_weight_gradient(stream, normed_.of_w(stream, joined_), output_gradient_.of_w(stream, embedding_),
                                shape_.tokens, projection_);
  embed_backward(stream, shape_, tokens_, embedding_gradient_, table_.gradient, nullptr);
}

// --- head ---

GpuHead::GpuHead(const GpuSetup& setup, const Model& model, int depth, double loss_scale, const GpuPartNumbers& numbers)
    : depth_(depth),
      is_last_(depth == model.mtp_depth),
      loss_scale_(static_cast<float>(loss_scale * (depth == 0 ? 1 : model.mtp_loss_weight / model.mtp_depth))),
      products_(setup.precise),
      norm_(setup, find_weight(numbers.part.own(), "norm", numbers.own)),
      logits_weight_(table_of(numbers, Table::kLogits)),
      shape_{setup.tokens, logits_weight_.columns},
      normed_(setup.kept.take<Bf16>(setup.tokens * logits_weight_.rows)),
      probabilities_(setup.kept.take<float>(shape_.rows * shape_.vocabulary)),
      logits_gradient_(setup.late.take<Bf16>(shape_.rows * shape_.vocabulary)),
      losses_(setup.scratch.take<float>(setup.tokens)),
      normed_gradient_(setup.scratch.take<float>(setup.tokens * logits_weight_.rows)) {}

void GpuHead::forward(const SmStream& stream, GpuFlow& flow) {
  const int32_t* targets = flow.targets + depth_ * shape_.rows;
  norm_.forward(stream, {flow.hidden, logits_weight_.rows}, {normed_, logits_weight_.rows});
  products_.times(stream, normed_, shape_.rows, logits_weight_, probabilities_, Into::kSet);
  cross_entropy(stream, shape_, targets, probabilities_, losses_, flow.losses + depth_);
}

void GpuHead::input_backward(const SmStream& stream, GpuFlow& flow) {
  const int32_t* targets = flow.targets + depth_ * shape_.rows;
  cross_entropy_backward(stream, shape_, targets, probabilities_, loss_scale_, logits_gradient_);
  products_.input_gradient(stream, logits_gradient_, shape_.rows, logits_weight_, normed_gradient_, Into::kSet);
  norm_.input_backward(stream, {normed_gradient_, logits_weight_.rows}, is_last_ ? nullptr : flow.gradient,
                       {flow.gradient, logits_weight_.rows});
}

void GpuHead::weight_backward(const SmStream& stream) {
  norm_.weight_backward(stream);
  products_.add_weight_gradient(stream, {normed_}, {logits_gradient_}, shape_.rows, logits_weight_);
}

}  // namespace pipeloom::backend
