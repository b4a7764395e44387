#include "backend/model/experts.h"

#include <algorithm>
#include <string>

namespace pipeloom {

namespace {

// Applies `function` to the rows of each expert.
template <typename Real, typename Function>
void for_each_expert(ExpertRows<Real>& rows, const Function& function) {
  int64_t begin = 0;
  for (size_t expert = 0; expert < rows.counts.size(); ++expert) {
    Matrix<Real> own(rows.counts[expert], rows.rows.columns());
    std::copy_n(rows.rows.row(begin), own.size(), own.row(0));
    const Matrix<Real> result = function(expert, std::move(own));
    std::copy_n(result.row(0), result.size(), rows.rows.row(begin));
    begin += result.rows();
  }
}

}  // namespace

template <typename Real>
Experts<Real>::Experts(ParameterBlock& block, const Model& model, int first, int count,
                       const Products<Real>& products) {
  for (int expert = first; expert < first + count; ++expert) {
    experts_.emplace_back(block, "expert" + std::to_string(expert) + ".", model.hidden, model.moe->intermediate,
                          model.gated_mlp, products);
  }
}

template <typename Real>
void Experts<Real>::forward(const Real* weights, std::vector<ExpertRows<Real>>& rows, Saved& saved) const {
  saved.sources.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    Source& source = saved.sources[i];
    source.counts = rows[i].counts;
    source.of_expert.resize(experts_.size());
    for_each_expert(rows[i], [&](size_t expert, Matrix<Real> own) {
      return experts_[expert].forward(weights, std::move(own), source.of_expert[expert]);
    });
  }
}

template <typename Real>
void Experts<Real>::input_backward(const Real* weights, std::vector<ExpertRows<Real>>& rows, Saved& saved) const {
  for (size_t i = 0; i < rows.size(); ++i) {
    PIPELOOM_CHECK(rows[i].counts == saved.sources[i].counts);
    for_each_expert(rows[i], [&](size_t expert, Matrix<Real> own) {
      return experts_[expert].input_backward(weights, std::move(own), saved.sources[i].of_expert[expert]);
    });
  }
}

template <typename Real>
void Experts<Real>::weight_backward(const Source& source, Real* gradients) const {
  for (size_t expert = 0; expert < experts_.size(); ++expert) {
    if (source.counts[expert] > 0) experts_[expert].weight_backward(source.of_expert[expert], gradients);
  }
}

template class Experts<float>;
template class Experts<double>;

}  // namespace pipeloom
