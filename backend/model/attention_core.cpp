#include "backend/model/attention_core.h"

#include <algorithm>
#include <cmath>

namespace pipeloom::backend {

namespace {

// Rows of one sequence, columns of one head.
template <typename Real>
View<Real> block(View<Real> all, int64_t first_row, int64_t rows, int64_t head, int64_t dim) {
  return all.rows_at(first_row, rows).columns_at(head * dim, dim);
}

// The exponential of a row of scores less `log_sum`; zero above the diagonal.
template <typename Real>
void to_probabilities(Real* row, int64_t i, int64_t columns, Real log_sum) {
  for (int64_t j = 0; j <= i; ++j) row[j] = std::exp(row[j] - log_sum);
  std::fill(row + i + 1, row + columns, Real{0});
}

template <typename Real>
Real log_of_sum(const Real* row, int64_t count) {
  const Real most = *std::max_element(row, row + count);
  Real sum = 0;
  for (int64_t j = 0; j < count; ++j) sum += std::exp(row[j] - most);
  return most + std::log(sum);
}

}  // namespace

template <typename Real>
Real AttentionCore<Real>::scale() const {
  return Real{1} / std::sqrt(static_cast<Real>(shape_.key_dim));
}

template <typename Real>
Matrix<Real> AttentionCore<Real>::scores(View<const Real> query, View<const Real> key) const {
  Matrix<Real> result(query.rows, key.rows);
  products_.multiply(Form::kTransposedB, query, key, result.view(), Into::kSet);
  for (Real& score : result.numbers()) score *= scale();
  return result;
}

template <typename Real>
Matrix<Real> AttentionCore<Real>::forward(const Inputs& inputs, Statistics& statistics) const {
  const auto& [sequence, heads, kv_heads, key_dim, value_dim] = shape_;
  statistics = Statistics(inputs.query.rows, heads);
  Matrix<Real> output(inputs.query.rows, heads * value_dim);
  for (int64_t first = 0; first < inputs.query.rows; first += sequence) {
    for (int64_t head = 0; head < heads; ++head) {
      const int64_t kv_head = head / (heads / kv_heads);
      Matrix<Real> p = scores(block(inputs.query, first, sequence, head, key_dim),
                              block(inputs.key, first, sequence, kv_head, key_dim));
      for (int64_t i = 0; i < p.rows(); ++i) {
        Real& log_sum = statistics.row(first + i)[head];
        log_sum = log_of_sum(p.row(i), i + 1);
        to_probabilities(p.row(i), i, p.columns(), log_sum);
      }
      products_.multiply(Form::kPlain, p.view(), block(inputs.value, first, sequence, kv_head, value_dim),
                         block(output.view(), first, sequence, head, value_dim), Into::kSet);
    }
  }
  return output;
}

template <typename Real>
void AttentionCore<Real>::input_backward(const Inputs& inputs, const Statistics& statistics,
                                         View<const Real> output_gradient, const Gradients& gradients) const {
  const auto& [sequence, heads, kv_heads, key_dim, value_dim] = shape_;
  for (int64_t first = 0; first < inputs.query.rows; first += sequence) {
    for (int64_t head = 0; head < heads; ++head) {
      const int64_t kv_head = head / (heads / kv_heads);
      const auto query = block(inputs.query, first, sequence, head, key_dim);
      const auto key = block(inputs.key, first, sequence, kv_head, key_dim);
      const auto dy = block(output_gradient, first, sequence, head, value_dim);
      Matrix<Real> p = scores(query, key);
      for (int64_t i = 0; i < p.rows(); ++i) {
        to_probabilities(p.row(i), i, p.columns(), statistics.row(first + i)[head]);
      }
      products_.add_weight_gradient(p.view(), dy, block(gradients.value, first, sequence, kv_head, value_dim));
      // The gradient of the scores: p * (dp - sum(p * dp)), row by row.
      Matrix<Real> ds = products_.input_gradient(dy, block(inputs.value, first, sequence, kv_head, value_dim));
      for (int64_t i = 0; i < sequence; ++i) {
        Real sum = 0;
        for (int64_t j = 0; j <= i; ++j) sum += p.row(i)[j] * ds.row(i)[j];
        for (int64_t j = 0; j < sequence; ++j) ds.row(i)[j] = p.row(i)[j] * (ds.row(i)[j] - sum) * scale();
      }
      products_.multiply(Form::kPlain, ds.view(), key, block(gradients.query, first, sequence, head, key_dim),
                         Into::kSet);
      products_.add_weight_gradient(ds.view(), query, block(gradients.key, first, sequence, kv_head, key_dim));
    }
  }
}

template class AttentionCore<float>;
template class AttentionCore<double>;

}  // namespace pipeloom::backend
