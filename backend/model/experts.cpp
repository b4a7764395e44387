#include "backend/model/experts.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <span>
#include <string>

namespace pipeloom::backend {

namespace {

// Applies `function` to the rows of each expert.
template <typename Real, typename Function>
void for_each_expert(ExpertRows<Real>& rows, const Function& function) {
  int64_t begin = 0;
  for (size_t expert = 0; expert < rows.counts.size(); ++expert) {
    Matrix<Real> own(rows.counts[expert], rows.rows.columns());
    std::copy_n(rows.rows.row(begin), own.size(), own.row(0));
    const Matrix<Real> result = function(expert, begin, std::move(own));
    std::copy_n(result.row(0), result.size(), rows.rows.row(begin));
    begin += result.rows();
  }
}

}  // namespace

template <typename Real>
Experts<Real>::Experts(ParameterBlock& block, const Model& model, int first, int count, const Keeping& keeping,
                       const Products<Real>& products)
    : cached_(keeping.formats.cached) {
  for (int expert = first; expert < first + count; ++expert) {
    experts_.emplace_back(block, "expert" + std::to_string(expert) + ".", model.hidden, model.moe->intermediate,
                          model.gated_mlp, keeping, products);
  }
}

template <typename Real>
void Experts<Real>::keep(const ExpertRows<Real>& rows, Source& source) const {
  source.weights = rows.weights;
  source.places.resize(rows.rows.rows());
  if (cached_ != Format::kFp8) {
    std::iota(source.places.begin(), source.places.end(), 0);
    source.rows = Kept<Real>(rows.rows, cached_);
    return;
  }
  std::map<int32_t, int32_t> place_of;  // token
  for (const int32_t token : rows.tokens) place_of.try_emplace(token, static_cast<int32_t>(place_of.size()));
  Matrix<Real> once(static_cast<int64_t>(place_of.size()), rows.rows.columns());
  for (size_t row = 0; row < rows.tokens.size(); ++row) {
    source.places[row] = place_of.at(rows.tokens[row]);
    std::copy_n(rows.rows.row(static_cast<int64_t>(row)), once.columns(), once.row(source.places[row]));
  }
  source.rows = Kept<Real>(once, cached_);
}

template <typename Real>
void Experts<Real>::forward(const Real* weights, std::vector<ExpertRows<Real>>& rows, Saved& saved) const {
  saved.sources.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    Source& source = saved.sources[i];
    source.counts = rows[i].counts;
    source.of_expert.resize(experts_.size());
    keep(rows[i], source);
    for_each_expert(rows[i], [&](size_t expert, int64_t /*first*/, const Matrix<Real>& own) {
      return experts_[expert].forward(weights, own, source.of_expert[expert]);
    });
  }
}

template <typename Real>
void Experts<Real>::input_backward(const Real* weights, std::vector<ExpertRows<Real>>& rows, Saved& saved) const {
  for (size_t i = 0; i < rows.size(); ++i) {
    Source& source = saved.sources[i];
    PIPELOOM_THROW_UNLESS(rows[i].counts == source.counts);
    for_each_expert(rows[i], [&](size_t expert, int64_t first, Matrix<Real> own) {
      const auto own_weights = std::span(source.weights).subspan(first, own.rows());
      return experts_[expert].input_backward(weights, std::move(own), own_weights, source.of_expert[expert]);
    });
    rows[i].weights = std::move(source.weights);
  }
}

template <typename Real>
void Experts<Real>::weight_backward(const Source& source, Real* gradients) const {
  const Matrix<Real> rows = source.rows.values();
  auto place = source.places.begin();
  for (size_t expert = 0; expert < experts_.size(); ++expert) {
    if (source.counts[expert] == 0) continue;
    Matrix<Real> input(source.counts[expert], rows.columns());
    for (int64_t i = 0; i < input.rows(); ++i) std::copy_n(rows.row(*place++), rows.columns(), input.row(i));
    experts_[expert].weight_backward(source.of_expert[expert], input, gradients);
  }
}

template class Experts<float>;
template class Experts<double>;

}  // namespace pipeloom::backend
