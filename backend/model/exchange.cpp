#include "backend/model/exchange.h"

#include <algorithm>

#include "backend/model/kept.h"

namespace pipeloom::backend {

ExchangeShape exchange_shape(const MoeShape& moe, int members, const Formats& formats) {
  return {moe.routed_experts, moe.experts_per_token, members, formats};
}

namespace {

// Each choice's row of its token, in the order's order.
template <typename Real>
Matrix<Real> rows_of_choices(const Matrix<Real>& of_tokens, const ChoiceOrder& order, int experts_per_token) {
  Matrix<Real> rows(static_cast<int64_t>(order.choices.size()), of_tokens.columns());
  for (int64_t i = 0; i < rows.rows(); ++i) {
    std::copy_n(of_tokens.row(order.choices[i] / experts_per_token), rows.columns(), rows.row(i));
  }
  return rows;
}

template <typename Real>
void round_all(std::vector<ExpertRows<Real>>& packages, Format format) {
  for (ExpertRows<Real>& package : packages) round_to(package.rows, format);
}

}  // namespace

template <typename Real>
std::vector<ExpertRows<Real>> Dispatch<Real>::pack_forward(const Flow<Real>& flow, Saved& saved) const {
  saved.order = order_choices(flow.routing.experts, shape_.routed_experts);
  auto packages =
      split_by_member(rows_of_choices(flow.normed, saved.order, shape_.experts_per_token), saved.order, shape_.members);
  auto choice = saved.order.choices.begin();
  for (ExpertRows<Real>& package : packages) {
    for (int64_t row = 0; row < package.rows.rows(); ++row, ++choice) {
      package.tokens.push_back(*choice / shape_.experts_per_token);
      package.weights.push_back(flow.routing.weights[*choice]);
    }
  }
  round_all(packages, shape_.formats.dispatch);
  return packages;
}

template <typename Real>
void Dispatch<Real>::unpack_forward(std::vector<ExpertRows<Real>> received, Flow<Real>& flow) const {
  flow.rows = std::move(received);
}

template <typename Real>
std::vector<ExpertRows<Real>> Dispatch<Real>::pack_backward(Flow<Real>& flow) const {
  auto packages = std::move(flow.rows);
  for (ExpertRows<Real>& package : packages) package.tokens.clear();
  round_all(packages, shape_.formats.combine);
  return packages;
}

template <typename Real>
void Dispatch<Real>::unpack_backward(const std::vector<ExpertRows<Real>>& received, Flow<Real>& flow,
                                     const Saved& saved) const {
  const Matrix<Real> rows = join_members(received, flow.normed.columns());
  for (int64_t i = 0; i < rows.rows(); ++i) {
    Real* gradient = flow.normed.row(saved.order.choices[i] / shape_.experts_per_token);
    for (int64_t j = 0; j < rows.columns(); ++j) gradient[j] += rows.row(i)[j];
  }
  flow.routing.weights.assign(saved.order.choices.size(), Real{0});
  auto choice = saved.order.choices.begin();
  for (const ExpertRows<Real>& package : received) {
    for (const Real gradient : package.weights) flow.routing.weights[*choice++] = gradient;
  }
}

template <typename Real>
std::vector<ExpertRows<Real>> Combine<Real>::pack_forward(Flow<Real>& flow) const {
  auto packages = std::move(flow.rows);
  for (ExpertRows<Real>& package : packages) {
    package.tokens.clear();
    package.weights.clear();
  }
  round_all(packages, shape_.formats.combine);
  return packages;
}

template <typename Real>
void Combine<Real>::unpack_forward(const std::vector<ExpertRows<Real>>& received, Flow<Real>& flow,
                                   Saved& saved) const {
  saved.order = order_choices(flow.routing.experts, shape_.routed_experts);
  const std::vector<Real> weights = std::move(flow.routing.weights);
  const Matrix<Real> rows = join_members(received, flow.hidden.columns());
  for (int64_t i = 0; i < rows.rows(); ++i) {
    const int32_t choice = saved.order.choices[i];
    Real* out = flow.hidden.row(choice / shape_.experts_per_token);
    for (int64_t j = 0; j < rows.columns(); ++j) out[j] += weights[choice] * rows.row(i)[j];
  }
  round_to(flow.hidden, shape_.formats.rest);
}

template <typename Real>
std::vector<ExpertRows<Real>> Combine<Real>::pack_backward(Flow<Real>& flow, const Saved& saved) const {
  auto packages =
      split_by_member(rows_of_choices(flow.hidden, saved.order, shape_.experts_per_token), saved.order, shape_.members);
  round_all(packages, shape_.formats.dispatch);
  return packages;
}

template <typename Real>
void Combine<Real>::unpack_backward(std::vector<ExpertRows<Real>> received, Flow<Real>& flow) const {
  flow.rows = std::move(received);
}

template class Dispatch<float>;
template class Dispatch<double>;
template class Combine<float>;
template class Combine<double>;

}  // namespace pipeloom::backend
