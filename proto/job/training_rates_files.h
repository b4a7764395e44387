#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/training_rates.h"

namespace pipeloom::proto {

// One file per GPU in proto/rates/, embedded: what documents say that kernels reach, with sources. The error of an
// unknown name lists the known ones.
Result<TrainingRates> published_training_rates(const std::string& gpu);

// The same times what was fitted (known_fitted_constants): what kernels of training frameworks reach.
Result<TrainingRates> find_training_rates(const std::string& gpu);

}  // namespace pipeloom::proto
