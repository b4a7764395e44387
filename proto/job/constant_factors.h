#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/training_constants.h"

namespace pipeloom::proto {

// Files of fitted constants (FittedConstants in job.proto). Errors name path, constant and value.
Result<ConstantFactors> parse_constant_factors(const std::string& path, const std::string& text);
std::string constant_factors_to_text(const ConstantFactors& factors);

// Those of proto/fitted/, which Pipeloom's own rates have in them.
const ConstantFactors& known_constant_factors();

}  // namespace pipeloom::proto
