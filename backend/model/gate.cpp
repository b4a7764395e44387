#include "backend/model/gate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pipeloom {

namespace {

// The numbers of the `count` largest values, ascending; of equal values the lower number.
template <typename Real>
std::vector<int32_t> largest(const std::vector<Real>& values, int count) {
  std::vector<int32_t> numbers(values.size());
  std::iota(numbers.begin(), numbers.end(), 0);
  std::stable_sort(numbers.begin(), numbers.end(), [&](int32_t a, int32_t b) { return values[a] > values[b]; });
  numbers.resize(count);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

template <typename Real>
std::vector<int32_t> choose_experts(const Real* logits, const MoeShape& shape) {
  const int per_group = shape.routed_experts / shape.groups;
  std::vector<Real> best(shape.groups);
  for (int group = 0; group < shape.groups; ++group) {
    best[group] = *std::max_element(logits + group * per_group, logits + (group + 1) * per_group);
  }
  std::vector<int32_t> reachable;
  std::vector<Real> values;
  for (const int32_t group : largest(best, shape.groups_per_token)) {
    for (int32_t expert = group * per_group; expert < (group + 1) * per_group; ++expert) {
      reachable.push_back(expert);
      values.push_back(logits[expert]);
    }
  }
  std::vector<int32_t> experts;
  for (const int32_t place : largest(values, shape.experts_per_token)) experts.push_back(reachable[place]);
  return experts;
}

}  // namespace

template <typename Real>
Gate<Real>::Gate(ParameterBlock& block, const Model& model, const Products<Real>& products)
    : shape_(*model.moe),
      weight_(block.add_product("gate", model.hidden, model.moe->routed_experts)),
      products_(products) {}

template <typename Real>
Routing<Real> Gate<Real>::forward(const Real* weights, Matrix<Real> input, Saved& saved) const {
  saved.input = std::move(input);
  const Matrix<Real> logits = products_.times(saved.input.view(), weight_.of(weights));
  Routing<Real>& routing = saved.routing = {};
  for (int64_t token = 0; token < logits.rows(); ++token) {
    const Real* row = logits.row(token);
    const std::vector<int32_t> chosen = choose_experts(row, shape_);
    Real most = row[chosen[0]];
    for (const int32_t expert : chosen) most = std::max(most, row[expert]);
    Real sum = 0;
    for (const int32_t expert : chosen) sum += std::exp(row[expert] - most);
    for (const int32_t expert : chosen) {
      routing.experts.push_back(expert);
      routing.weights.push_back(std::exp(row[expert] - most) / sum);
    }
  }
  return routing;
}

template <typename Real>
Matrix<Real> Gate<Real>::input_backward(const Real* weights, const std::vector<Real>& weights_gradient,
                                        Saved& saved) const {
  const int64_t choices = shape_.experts_per_token;
  const Routing<Real>& routing = saved.routing;
  saved.logits_gradient = Matrix<Real>(saved.input.rows(), shape_.routed_experts);
  for (int64_t token = 0; token < saved.input.rows(); ++token) {
    Real sum = 0;
    for (int64_t i = token * choices; i < (token + 1) * choices; ++i) sum += routing.weights[i] * weights_gradient[i];
    for (int64_t i = token * choices; i < (token + 1) * choices; ++i) {
      saved.logits_gradient.row(token)[routing.experts[i]] = routing.weights[i] * (weights_gradient[i] - sum);
    }
  }
  return products_.input_gradient(saved.logits_gradient.view(), weight_.of(weights));
}

template <typename Real>
void Gate<Real>::weight_backward(const Saved& saved, Real* gradients) const {
  products_.add_weight_gradient(saved.input.view(), saved.logits_gradient.view(), weight_.of(gradients));
}

template class Gate<float>;
template class Gate<double>;

}  // namespace pipeloom
