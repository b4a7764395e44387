#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"

namespace pipeloom {

// Fails if `value` lies outside [least, most]: "model.layers is 0; allowed are 1 to 10000". NaN lies outside every
// range.
Status check_field(std::string_view path, int64_t value, int64_t least, int64_t most);
Status check_field(std::string_view path, double value, double least, double most);

}  // namespace pipeloom
