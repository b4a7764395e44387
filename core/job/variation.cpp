#include "core/job/variation.h"

#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <numbers>

#include "core/base/field_check.h"

namespace pipeloom {

namespace {

enum Purpose : uint64_t { kRank, kExperts, kJitter };

// Beyond these no step would resemble the plan.
constexpr double kMostScatter = 10;
constexpr double kMostSlowdown = 1000;

}  // namespace

Status check_variation(const Variation& variation, bool has_experts) {
  PIPELOOM_RETURN_IF_ERROR(check_field("variation.jitter", variation.jitter, 0.0, kMostScatter));
  PIPELOOM_RETURN_IF_ERROR(check_field("variation.expert_imbalance", variation.expert_imbalance, 0.0, kMostScatter));
  PIPELOOM_RETURN_IF_ERROR(check_field("variation.straggler_probability", variation.straggler_probability, 0.0, 1.0));
  PIPELOOM_RETURN_IF_ERROR(
      check_field("variation.straggler_slowdown", variation.straggler_slowdown, 1.0, kMostSlowdown));
  if (variation.expert_imbalance > 0 && !has_experts) {
    return invalid("variation.expert_imbalance is given; it needs a model with experts (model.moe)");
  }
  return {};
}

// Mean 1 and variance s^2: the logarithm has the variance ln(1 + s^2) and the mean -sigma^2 / 2.
Scatter::Scatter(double standard_deviation) : sigma_(std::sqrt(std::log1p(standard_deviation * standard_deviation))) {}

double Scatter::quantile(double share) const {
  if (sigma_ == 0) return 1;
  const double normal = std::numbers::sqrt2 * boost::math::erf_inv(2 * share - 1);
  return std::exp(sigma_ * (normal - sigma_ / 2));
}

StepDraws::StepDraws(const Variation& variation, uint64_t seed, uint64_t step)
    : variation_(variation), experts_(variation.expert_imbalance), step_key_(draw_key(seed, step)) {}

double StepDraws::rank_factor(int rank) const {
  if (variation_.straggler_probability == 0) return 1;
  return uniform(kRank, static_cast<uint64_t>(rank)) < variation_.straggler_probability ? variation_.straggler_slowdown
                                                                                        : 1;
}

// The largest of n independent draws is the quantile u^(1/n) of one.
double StepDraws::expert_factor(int layer, int micro_batch, int gpus) const {
  return fullest(draw_key(layer, micro_batch), gpus);
}

double StepDraws::expert_factor_of(int number, int layer, int micro_batch, int gpus) const {
  return fullest(draw_key(layer, micro_batch, number), gpus);
}

double StepDraws::fullest(uint64_t key, int gpus) const {
  if (variation_.expert_imbalance == 0) return 1;
  return experts_.quantile(std::pow(uniform(kExperts, key), 1.0 / gpus));
}

double StepDraws::jitter_factor(uint64_t key, const Scatter& scatter) const {
  return scatter.quantile(uniform(kJitter, key));
}

double StepDraws::uniform(uint64_t purpose, uint64_t key) const {
  const uint64_t bits = draw_key(step_key_, purpose, key);
  return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
}

}  // namespace pipeloom
