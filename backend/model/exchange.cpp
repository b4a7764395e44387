#include "backend/model/exchange.h"

#include <algorithm>

namespace pipeloom {

template <typename Real>
std::vector<ExpertRows<Real>> Dispatch<Real>::pack_forward(const Flow<Real>& flow, Saved& saved) const {
  saved.order = order_choices(flow.routing.experts, routed_experts_);
  Matrix<Real> rows(static_cast<int64_t>(saved.order.choices.size()), flow.normed.columns());
  for (int64_t i = 0; i < rows.rows(); ++i) {
    std::copy_n(flow.normed.row(saved.order.choices[i] / experts_per_token_), rows.columns(), rows.row(i));
  }
  return split_by_member(rows, saved.order, members_);
}

template <typename Real>
void Dispatch<Real>::unpack_forward(std::vector<ExpertRows<Real>> received, Flow<Real>& flow) const {
  flow.rows = std::move(received);
}

template <typename Real>
std::vector<ExpertRows<Real>> Dispatch<Real>::pack_backward(Flow<Real>& flow) const {
  return std::move(flow.rows);
}

template <typename Real>
void Dispatch<Real>::unpack_backward(const std::vector<ExpertRows<Real>>& received, Flow<Real>& flow,
                                     const Saved& saved) const {
  const Matrix<Real> rows = join_members(received, flow.normed.columns());
  for (int64_t i = 0; i < rows.rows(); ++i) {
    Real* gradient = flow.normed.row(saved.order.choices[i] / experts_per_token_);
    for (int64_t j = 0; j < rows.columns(); ++j) gradient[j] += rows.row(i)[j];
  }
}

template <typename Real>
std::vector<ExpertRows<Real>> Combine<Real>::pack_forward(Flow<Real>& flow) const {
  return std::move(flow.rows);
}

template <typename Real>
void Combine<Real>::unpack_forward(const std::vector<ExpertRows<Real>>& received, Flow<Real>& flow,
                                   Saved& saved) const {
  saved.order = order_choices(flow.routing.experts, routed_experts_);
  saved.weights = std::move(flow.routing.weights);
  saved.rows = join_members(received, flow.hidden.columns());
  for (int64_t i = 0; i < saved.rows.rows(); ++i) {
    const int32_t choice = saved.order.choices[i];
    Real* out = flow.hidden.row(choice / experts_per_token_);
    for (int64_t j = 0; j < saved.rows.columns(); ++j) out[j] += saved.weights[choice] * saved.rows.row(i)[j];
  }
}

template <typename Real>
std::vector<ExpertRows<Real>> Combine<Real>::pack_backward(Flow<Real>& flow, const Saved& saved) const {
  Matrix<Real> rows(saved.rows.rows(), saved.rows.columns());
  flow.routing.weights.assign(saved.weights.size(), Real{0});
  for (int64_t i = 0; i < rows.rows(); ++i) {
    const int32_t choice = saved.order.choices[i];
    const Real* dy = flow.hidden.row(choice / experts_per_token_);
    Real& weight_gradient = flow.routing.weights[choice];
    for (int64_t j = 0; j < rows.columns(); ++j) {
      weight_gradient += dy[j] * saved.rows.row(i)[j];
      rows.row(i)[j] = saved.weights[choice] * dy[j];
    }
  }
  return split_by_member(rows, saved.order, members_);
}

template <typename Real>
void Combine<Real>::unpack_backward(std::vector<ExpertRows<Real>> received, Flow<Real>& flow) const {
  flow.rows = std::move(received);
}

template class Dispatch<float>;
template class Dispatch<double>;
template class Combine<float>;
template class Combine<double>;

}  // namespace pipeloom
