#include "core/base/field_check.h"

#include <fmt/format.h>

namespace pipeloom {

Status check_field(std::string_view path, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return {};
  return invalid(fmt::format("{} is {}; allowed are {} to {}", path, value, least, most));
}

Status check_field(std::string_view path, double value, double least, double most) {
  if (value >= least && value <= most) return {};
  return invalid(fmt::format("{} is {}; allowed are {} to {}", path, value, least, most));
}

}  // namespace pipeloom
