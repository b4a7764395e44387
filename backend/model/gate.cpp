#include "backend/model/gate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace pipeloom::backend {

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

// The sum of the `count` largest of a group.
template <typename Real>
Real best_of(const Real* scores, int experts, int count) {
  std::vector<Real> sorted(scores, scores + experts);
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  return std::accumulate(sorted.begin(), sorted.begin() + std::min(count, experts), Real{0});
}

template <typename Real>
std::vector<int32_t> choose_experts(const Real* scores, const MoeShape& shape) {
  const int per_group = shape.routed_experts / shape.groups;
  const int counted = shape.gate == GateScore::kSigmoid ? 2 : 1;
  std::vector<Real> best(shape.groups);
  for (int group = 0; group < shape.groups; ++group) {
    best[group] = best_of(scores + group * per_group, per_group, counted);
  }
  std::vector<int32_t> reachable;
  std::vector<Real> values;
  for (const int32_t group : largest(best, shape.groups_per_token)) {
    for (int32_t expert = group * per_group; expert < (group + 1) * per_group; ++expert) {
      reachable.push_back(expert);
      values.push_back(scores[expert]);
    }
  }
  std::vector<int32_t> experts;
  for (const int32_t place : largest(values, shape.experts_per_token)) experts.push_back(reachable[place]);
  return experts;
}

}  // namespace

template <typename Real>
Gate<Real>::Gate(ParameterBlock& block, const Model& model, const BalanceShape& balance, const Products<Real>& products,
                 Format kept)
    : shape_(*model.moe),
      balance_(balance),
      kept_(kept),
      weight_(block.add_product("gate", model.hidden, model.moe->routed_experts)),
      products_(products) {
  if (shape_.bias_step > 0) bias_ = block.add({"bias", 1, shape_.routed_experts, 0, ParameterKind::kLoadBias});
}

template <typename Real>
void Gate<Real>::choose(const Real* scores, const Real* biases, Routing<Real>& routing) const {
  std::vector<Real> values(scores, scores + shape_.routed_experts);
  for (size_t i = 0; biases != nullptr && i < values.size(); ++i) values[i] += biases[i];
  for (const int32_t expert : choose_experts(values.data(), shape_)) routing.experts.push_back(expert);
}

template <typename Real>
void Gate<Real>::weigh(const Real* scores, int64_t token, Routing<Real>& routing) const {
  const auto chosen = std::span(routing.experts).subspan(token * shape_.experts_per_token);
  std::vector<Real> values;
  for (const int32_t expert : chosen) values.push_back(scores[expert]);
  if (shape_.gate == GateScore::kSoftmax) {
    const Real most = *std::ranges::max_element(values);
    for (Real& value : values) value = std::exp(value - most);
  }
  const Real sum = std::accumulate(values.begin(), values.end(), Real{0});
  const Real scale = static_cast<Real>(shape_.gate_scale);
  for (const Real value : values) routing.weights.push_back(scale * (value / sum));
}

template <typename Real>
Routing<Real> Gate<Real>::forward(const Real* weights, const Matrix<Real>& input, Saved& saved) const {
  Matrix<Real> scores = products_.times(input.view(), weight_.of(weights));
  if (shape_.gate == GateScore::kSigmoid) {
    for (Real& score : scores.numbers()) score = Real{1} / (Real{1} + std::exp(-score));
  }
  const Real* biases = bias_ ? bias_->of(weights).data : nullptr;
  Routing<Real>& routing = saved.routing = {};
  for (int64_t token = 0; token < scores.rows(); ++token) {
    choose(scores.row(token), biases, routing);
    weigh(scores.row(token), token, routing);
  }
  saved.scores = Kept<Real>(scores, Format::kFp32);
  return routing;
}

template <typename Real>
std::vector<double> Gate<Real>::load_shares(const Routing<Real>& routing, int64_t first_token) const {
  std::vector<double> shares(shape_.routed_experts);
  const int64_t choices = shape_.experts_per_token;
  for (int64_t i = first_token * choices; i < (first_token + balance_.sequence) * choices; ++i) {
    shares[routing.experts[i]] +=
        static_cast<double>(shape_.routed_experts) / static_cast<double>(choices * balance_.sequence);
  }
  return shares;
}

// Per sequence alpha * sum of f_i P_i (equations 17 to 20), which counts as much as each of its tokens' losses.
template <typename Real>
double Gate<Real>::balance_loss(const Saved& saved) const {
  if (shape_.balance_loss == 0) return 0;
  const Matrix<Real> scores = saved.scores.values();
  double loss = 0;
  for (int64_t first = 0; first < scores.rows(); first += balance_.sequence) {
    const std::vector<double> shares = load_shares(saved.routing, first);
    for (int64_t token = first; token < first + balance_.sequence; ++token) {
      const Real* row = scores.row(token);
      const double sum = std::accumulate(row, row + scores.columns(), 0.0);
      for (size_t i = 0; i < shares.size(); ++i) loss += shape_.balance_loss * shares[i] * row[i] / sum;
    }
  }
  return loss;
}

// Adds to the gradient of the sigmoids.
template <typename Real>
void Gate<Real>::add_balance_gradient(const Matrix<Real>& scores, const Routing<Real>& routing,
                                      Matrix<Real>& gradient) const {
  const double factor = shape_.balance_loss * balance_.loss_scale;
  for (int64_t first = 0; first < scores.rows(); first += balance_.sequence) {
    const std::vector<double> shares = load_shares(routing, first);
    for (int64_t token = first; token < first + balance_.sequence; ++token) {
      const Real* row = scores.row(token);
      const double sum = std::accumulate(row, row + scores.columns(), 0.0);
      double mean = 0;
      for (size_t i = 0; i < shares.size(); ++i) mean += shares[i] * row[i] / sum;
      for (size_t i = 0; i < shares.size(); ++i) {
        gradient.row(token)[i] += static_cast<Real>(factor * (shares[i] - mean) / sum);
      }
    }
  }
}

template <typename Real>
Matrix<Real> Gate<Real>::input_backward(const Real* weights, const std::vector<Real>& weights_gradient,
                                        Saved& saved) const {
  const int64_t choices = shape_.experts_per_token;
  const Routing<Real>& routing = saved.routing;
  const Matrix<Real> scores = saved.scores.values();
  const bool sigmoid = shape_.gate == GateScore::kSigmoid;
  const Real scale = static_cast<Real>(shape_.gate_scale);
  Matrix<Real> gradient(scores.rows(), shape_.routed_experts);
  for (int64_t token = 0; token < scores.rows(); ++token) {
    const Real* row = scores.row(token);
    Real mean = 0;
    Real sum = 0;
    for (int64_t i = token * choices; i < (token + 1) * choices; ++i) {
      mean += routing.weights[i] / scale * weights_gradient[i];
      sum += row[routing.experts[i]];
    }
    for (int64_t i = token * choices; i < (token + 1) * choices; ++i) {
      const Real along = scale * (weights_gradient[i] - mean);
      gradient.row(token)[routing.experts[i]] = sigmoid ? along / sum : routing.weights[i] / scale * along;
    }
  }
  if (sigmoid) {
    if (shape_.balance_loss > 0) add_balance_gradient(scores, routing, gradient);
    for (int64_t i = 0; i < gradient.size(); ++i) {
      const Real score = scores.numbers()[i];
      gradient.numbers()[i] *= score * (Real{1} - score);
    }
  }
  saved.logits_gradient = Kept<Real>(gradient, kept_);
  saved.scores = {};
  return products_.input_gradient(gradient.view(), weight_.of(weights));
}

template <typename Real>
void Gate<Real>::weight_backward(const Saved& saved, const Matrix<Real>& input, Real* gradients) const {
  products_.add_weight_gradient(input.view(), saved.logits_gradient.values().view(), weight_.of(gradients));
  if (!bias_) return;
  for (const int32_t expert : saved.routing.experts) bias_->of(gradients).data[expert] += Real{1};
}

template class Gate<float>;
template class Gate<double>;

}  // namespace pipeloom::backend
