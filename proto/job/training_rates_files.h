#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/training_constants.h"

namespace pipeloom::proto {

// One file per GPU in proto/rates/, embedded: what documents say that kernels reach, with sources. The error of an
// unknown name lists the known ones.
Result<TrainingRates> published_training_rates(const std::string& gpu);

// The same times fitted constants: what kernels of training frameworks reach.
Result<TrainingRates> fitted_training_rates(const std::string& gpu, const FittedConstants& fitted);

// The same with the constants that Pipeloom knows (known_fitted_constants).
Result<TrainingRates> find_training_rates(const std::string& gpu);

}  // namespace pipeloom::proto
