#include "backend/model/head.h"

#include <algorithm>
#include <cmath>

namespace pipeloom::backend {

template <typename Real>
Head<Real>::Head(ParameterBlock& block, const Model& model, double loss_scale, const Keeping& keeping,
                 const Products<Real>& products)
    : loss_scale_(static_cast<Real>(loss_scale)),
      kept_(keeping.formats.rest),
      norm_(block, "norm", model.hidden, kept_),
      weight_{0, model.hidden, model.vocabulary},
      products_(products) {}

template <typename Real>
double Head<Real>::forward(const Real* weights, const Real* logits, const Matrix<Real>& x,
                           std::span<const int32_t> targets, Saved& saved) const {
  const Matrix<Real> normed = norm_.forward(weights, x.view(), saved.norm);
  Matrix<Real> probabilities = products_.times(normed.view(), weight_.of(logits));
  saved.targets.assign(targets.begin(), targets.end());
  double loss = 0;
  for (int64_t i = 0; i < x.rows(); ++i) {
    Real* row = probabilities.row(i);
    Real* end = row + probabilities.columns();
    const Real most = *std::max_element(row, end);
    const Real target = row[targets[i]] - most;
    Real sum = 0;
    for (Real* logit = row; logit != end; ++logit) {
      *logit = std::exp(*logit - most);
      sum += *logit;
    }
    for (Real* logit = row; logit != end; ++logit) *logit /= sum;
    loss += static_cast<double>(std::log(sum) - target);
  }
  saved.normed = Kept<Real>(normed, kept_);
  saved.probabilities = Kept<Real>(probabilities, Format::kFp32);
  return loss;
}

template <typename Real>
Matrix<Real> Head<Real>::input_backward(const Real* weights, const Real* logits, Saved& saved) const {
  Matrix<Real> gradient = saved.probabilities.values();
  for (int64_t i = 0; i < gradient.rows(); ++i) {
    gradient.row(i)[saved.targets[i]] -= Real{1};
    for (int64_t j = 0; j < gradient.columns(); ++j) gradient.row(i)[j] *= loss_scale_;
  }
  saved.probabilities = {};
  saved.logits_gradient = Kept<Real>(gradient, kept_);
  return norm_.input_backward(weights, products_.input_gradient(gradient.view(), weight_.of(logits)), saved.norm);
}

template <typename Real>
void Head<Real>::weight_backward(const Saved& saved, Real* gradients, Real* logits_gradients) const {
  norm_.weight_backward(saved.norm, gradients);
  products_.add_weight_gradient(saved.normed.values().view(), saved.logits_gradient.values().view(),
                                weight_.of(logits_gradients));
}

template class Head<float>;
template class Head<double>;

}  // namespace pipeloom::backend
