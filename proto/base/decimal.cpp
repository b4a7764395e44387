#include "proto/base/decimal.h"

#include <fmt/format.h>

#include <cmath>

namespace pipeloom::proto {

Result<int64_t> whole_units(std::string_view field, double value, double units) {
  const double whole = value * units;
  if (!(whole >= 0 && whole <= kMaxWhole)) {
    return invalid(fmt::format("{} is {}; allowed are numbers from 0 to {}", field, value, kMaxWhole / units));
  }
  return std::llround(whole);
}

}  // namespace pipeloom::proto
