#include "backend/model/mtp_input.h"

#include <algorithm>

namespace pipeloom::backend {

template <typename Real>
MtpInput<Real>::MtpInput(ParameterBlock& block, const Model& model, const Keeping& keeping,
                         const Products<Real>& products)
    : hidden_(model.hidden),
      keeping_(keeping),
      hidden_norm_(block, "hidden_norm", model.hidden, keeping.formats.rest),
      embedding_norm_(block, "embedding_norm", model.hidden, keeping.formats.rest),
      projection_(block.add_product("projection", int64_t{2} * model.hidden, model.hidden)),
      products_(products) {}

template <typename Real>
Matrix<Real> MtpInput<Real>::joined(const Matrix<Real>& hidden, const Matrix<Real>& embedding) const {
  Matrix<Real> both(hidden.rows(), 2 * hidden_);
  for (int64_t i = 0; i < both.rows(); ++i) {
    std::copy_n(hidden.row(i), hidden_, both.row(i));
    std::copy_n(embedding.row(i), hidden_, both.row(i) + hidden_);
  }
  return both;
}

template <typename Real>
Matrix<Real> MtpInput<Real>::forward(const Real* weights, const Real* table, const Matrix<Real>& hidden,
                                     std::span<const int32_t> tokens, Saved& saved) const {
  Matrix<Real> embedding(hidden.rows(), hidden_);
  for (int64_t i = 0; i < embedding.rows(); ++i) std::copy_n(table + tokens[i] * hidden_, hidden_, embedding.row(i));
  round_to(embedding, keeping_.formats.rest);
  const Matrix<Real> normed = joined(hidden_norm_.forward(weights, hidden.view(), saved.hidden_norm),
                                     embedding_norm_.forward(weights, embedding.view(), saved.embedding_norm));
  saved.tokens.assign(tokens.begin(), tokens.end());
  if (!keeping_.selective) saved.normed = Kept<Real>(normed, keeping_.formats.cached);
  return products_.times(normed.view(), projection_.of(weights));
}

template <typename Real>
Matrix<Real> MtpInput<Real>::input_backward(const Real* weights, const Matrix<Real>& output_gradient,
                                            Saved& saved) const {
  if (keeping_.selective) {
    saved.normed = Kept<Real>(
        joined(hidden_norm_.output(weights, saved.hidden_norm), embedding_norm_.output(weights, saved.embedding_norm)),
        keeping_.formats.mlp, Scales::kOfColumns);
  }
  const Matrix<Real> gradient = products_.input_gradient(output_gradient.view(), projection_.of(weights));
  Matrix<Real> of_hidden(gradient.rows(), hidden_);
  Matrix<Real> of_embedding(gradient.rows(), hidden_);
  for (int64_t i = 0; i < gradient.rows(); ++i) {
    std::copy_n(gradient.row(i), hidden_, of_hidden.row(i));
    std::copy_n(gradient.row(i) + hidden_, hidden_, of_embedding.row(i));
  }
  saved.output_gradient = Kept<Real>(output_gradient, keeping_.formats.mlp, Scales::kOfColumns);
  saved.embedding_gradient =
      Kept<Real>(embedding_norm_.input_backward(weights, of_embedding, saved.embedding_norm), keeping_.formats.rest);
  return hidden_norm_.input_backward(weights, of_hidden, saved.hidden_norm);
}

template <typename Real>
void MtpInput<Real>::weight_backward(const Saved& saved, Real* gradients, Real* table_gradients) const {
  hidden_norm_.weight_backward(saved.hidden_norm, gradients);
  embedding_norm_.weight_backward(saved.embedding_norm, gradients);
  products_.add_weight_gradient(saved.normed.values().view(), saved.output_gradient.values().view(),
                                projection_.of(gradients));
  const Matrix<Real> of_embedding = saved.embedding_gradient.values();
  for (int64_t i = 0; i < of_embedding.rows(); ++i) {
    Real* row = table_gradients + saved.tokens[i] * hidden_;
    for (int64_t j = 0; j < hidden_; ++j) row[j] += of_embedding.row(i)[j];
  }
}

template class MtpInput<float>;
template class MtpInput<double>;

}  // namespace pipeloom::backend
