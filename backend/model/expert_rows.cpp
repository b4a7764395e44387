#include "backend/model/expert_rows.h"

#include <algorithm>
#include <numeric>

namespace pipeloom::backend {

ChoiceOrder order_choices(std::span<const int32_t> experts, int routed_experts) {
  ChoiceOrder order{std::vector<int32_t>(experts.size()), std::vector<int32_t>(routed_experts, 0)};
  std::iota(order.choices.begin(), order.choices.end(), 0);
  std::stable_sort(order.choices.begin(), order.choices.end(),
                   [&](int32_t a, int32_t b) { return experts[a] < experts[b]; });
  for (const int32_t expert : experts) ++order.counts[expert];
  return order;
}

template <typename Real>
std::vector<ExpertRows<Real>> split_by_member(const Matrix<Real>& rows, const ChoiceOrder& order, int members) {
  const auto experts = static_cast<int>(order.counts.size()) / members;
  std::vector<ExpertRows<Real>> parts;
  int64_t begin = 0;
  for (int member = 0; member < members; ++member) {
    ExpertRows<Real>& part = parts.emplace_back();
    const auto first = order.counts.begin() + member * experts;
    part.counts.assign(first, first + experts);
    const int64_t count = std::accumulate(part.counts.begin(), part.counts.end(), int64_t{0});
    part.rows = Matrix<Real>(count, rows.columns());
    std::copy_n(rows.row(begin), count * rows.columns(), part.rows.row(0));
    begin += count;
  }
  return parts;
}

template <typename Real>
Matrix<Real> join_members(const std::vector<ExpertRows<Real>>& parts, int64_t hidden) {
  int64_t count = 0;
  for (const ExpertRows<Real>& part : parts) count += part.rows.rows();
  Matrix<Real> rows(count, hidden);
  int64_t begin = 0;
  for (const ExpertRows<Real>& part : parts) {
    std::copy_n(part.rows.row(0), part.rows.size(), rows.row(begin));
    begin += part.rows.rows();
  }
  return rows;
}

template std::vector<ExpertRows<float>> split_by_member(const Matrix<float>&, const ChoiceOrder&, int);
template std::vector<ExpertRows<double>> split_by_member(const Matrix<double>&, const ChoiceOrder&, int);
template Matrix<float> join_members(const std::vector<ExpertRows<float>>&, int64_t);
template Matrix<double> join_members(const std::vector<ExpertRows<double>>&, int64_t);

}  // namespace pipeloom::backend
