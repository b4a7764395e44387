#include "backend/cuda/model/gpu_ends.h"

#include "backend/cuda/kernels/columns.h"

namespace pipeloom {

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
      output_gradient_(setup.kept.take<float>(setup.tokens * model.hidden)) {}

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

// --- head ---

GpuHead::GpuHead(const GpuSetup& setup, double loss_scale, const GpuPartNumbers& numbers)
    : loss_scale_(static_cast<float>(loss_scale)),
      products_(setup.precise),
      norm_(setup, find_weight(numbers.part.own(), "norm", numbers.own)),
      logits_weight_(table_of(numbers, Table::kLogits)),
      shape_{setup.tokens, logits_weight_.columns},
      normed_(setup.kept.take<Bf16>(setup.tokens * logits_weight_.rows)),
      probabilities_(setup.kept.take<float>(shape_.rows * shape_.vocabulary)),
      logits_gradient_(setup.kept.take<Bf16>(shape_.rows * shape_.vocabulary)),
      losses_(setup.scratch.take<float>(setup.tokens)) {}

void GpuHead::forward(const SmStream& stream, GpuFlow& flow) {
  norm_.forward(stream, flow.hidden, logits_weight_.rows, normed_);
  products_.times(stream, normed_, shape_.rows, logits_weight_, probabilities_, Into::kSet);
  cross_entropy(stream, shape_, flow.targets, probabilities_, losses_, flow.loss);
}

void GpuHead::input_backward(const SmStream& stream, GpuFlow& flow) {
  cross_entropy_backward(stream, shape_, flow.targets, probabilities_, loss_scale_, logits_gradient_);
  products_.input_gradient(stream, logits_gradient_, shape_.rows, logits_weight_, norm_.output_gradient(), Into::kSet);
  norm_.input_backward(stream, nullptr, flow.gradient);
}

void GpuHead::weight_backward(const SmStream& stream) {
  norm_.weight_backward(stream);
  products_.add_weight_gradient(stream, normed_, logits_gradient_, shape_.rows, logits_weight_);
}

// --- MLP ---

GpuMlp::GpuMlp(const GpuSetup& setup, const Model& model, const GpuPartNumbers& numbers)
    : tokens_(setup.tokens),
      hidden_(model.hidden),
      norm_(setup, find_weight(numbers.part.own(), "norm", numbers.own)),
      inner_(setup, find_weight(numbers.part.own(), "up", numbers.own),
             find_weight(numbers.part.own(), "down", numbers.own), setup.tokens, model.gated_mlp),
      normed_(setup.kept.take<Bf16>(tokens_ * hidden_)),
      output_gradient_(setup.kept.take<Bf16>(tokens_ * hidden_)) {}

void GpuMlp::forward(const SmStream& stream, GpuFlow& flow) {
  norm_.forward(stream, flow.hidden, hidden_, normed_);
  inner_.forward(stream, normed_, flow.hidden, Into::kAdd);
}

void GpuMlp::input_backward(const SmStream& stream, GpuFlow& flow) {
  round_to_bf16(stream, flow.gradient, tokens_ * hidden_, output_gradient_);
  inner_.input_backward(stream, output_gradient_, norm_.output_gradient());
  norm_.input_backward(stream, flow.gradient, flow.gradient);
}

void GpuMlp::weight_backward(const SmStream& stream) {
  norm_.weight_backward(stream);
  inner_.weight_backward(stream, normed_, output_gradient_);
}

}  // namespace pipeloom
