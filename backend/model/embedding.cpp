#include "backend/model/embedding.h"

namespace pipeloom::backend {

namespace {

template <typename Real>
void add_row(const Real* from, Real* to, int64_t width) {
  for (int64_t j = 0; j < width; ++j) to[j] += from[j];
}

}  // namespace

template <typename Real>
Embedding<Real>::Embedding(ParameterBlock& block, const Model& model, int64_t sequence, const Keeping& keeping)
    : sequence_(sequence), kept_(keeping.formats.rest), hidden_(model.hidden) {
  if (model.learned_positions > 0) {
    positions_ = block.add({"positions", model.learned_positions, model.hidden, kTableDeviation});
  }
}

template <typename Real>
Matrix<Real> Embedding<Real>::forward(const Real* weights, const Real* table, std::span<const int32_t> tokens,
                                      Saved& saved) const {
  Matrix<Real> rows(static_cast<int64_t>(tokens.size()), hidden_);
  for (int64_t i = 0; i < rows.rows(); ++i) {
    add_row(table + tokens[i] * hidden_, rows.row(i), hidden_);
    if (positions_.rows > 0) add_row(positions_.of(weights).row(i % sequence_), rows.row(i), hidden_);
  }
  saved.tokens.assign(tokens.begin(), tokens.end());
  return rows;
}

template <typename Real>
void Embedding<Real>::weight_backward(const Saved& saved, Real* gradients, Real* table_gradients) const {
  const Matrix<Real> output_gradient = saved.output_gradient.values();
  for (int64_t i = 0; i < output_gradient.rows(); ++i) {
    const Real* gradient = output_gradient.row(i);
    add_row(gradient, table_gradients + saved.tokens[i] * hidden_, hidden_);
    if (positions_.rows > 0) add_row(gradient, positions_.of(gradients).row(i % sequence_), hidden_);
  }
}

template class Embedding<float>;
template class Embedding<double>;

}  // namespace pipeloom::backend
