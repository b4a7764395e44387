#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/training_constants.h"

namespace pipeloom::proto {

// Files of fitted constants (FittedConstants in job.proto). Errors name path, constant and value.
Result<FittedConstants> parse_fitted_constants(const std::string& path, const std::string& text);
Result<FittedConstants> read_fitted_constants(const std::string& path);
std::string fitted_constants_to_text(const FittedConstants& fitted);

// Those of proto/fitted/, which Pipeloom's own rates have in them.
const FittedConstants& known_fitted_constants();

}  // namespace pipeloom::proto
