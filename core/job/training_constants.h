#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/job/training_rates.h"

namespace pipeloom {

// A number that no document gives, so that it is fitted to measured trainings: a factor of published rates, of all GPUs
// or of some. Values stand in proto/fitted/.
struct TrainingConstant {
  std::string_view name;
  std::string_view meaning;
  // What is known before any fit: the standard deviation of ln(factor) around 0, and physical limits of the factor.
  double spread = 0;
  double least = 0;
  double most = 0;
  bool (*concerns)(const TrainingRates& rates) = nullptr;
  void (*scale)(TrainingRates& rates, double factor) = nullptr;
};

// All of them; their order never matters.
std::span<const TrainingConstant> training_constants();

// Factors by the constants' names; one that is absent is 1.
using ConstantFactors = std::map<std::string, double, std::less<>>;
// Whether every name is known and every factor within its limits.
Status check_factors(const ConstantFactors& factors);
// What a fit to measured trainings gave.
struct FittedConstants {
  ConstantFactors factors;
  StepErrors dense_errors;
  StepErrors expert_errors;
};
Status check_fitted(const FittedConstants& fitted);

// Published rates times the factors of the constants that concern them; and with the fit's errors.
TrainingRates with_factors(TrainingRates rates, const ConstantFactors& factors);
TrainingRates with_fitted(TrainingRates rates, const FittedConstants& fitted);

}  // namespace pipeloom
