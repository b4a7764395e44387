#include "backend/model/fixed_point.h"

#include <fmt/format.h>

#include <cmath>

#include "core/base/check.h"

namespace pipeloom::backend {

Status add_fixed(std::span<const float> numbers, int64_t contributions, std::span<int64_t> sums) {
  PIPELOOM_THROW_UNLESS(numbers.size() == sums.size() && contributions > 0);
  const double scale = std::ldexp(1.0, kFixedPointBits);
  const double limit = std::ldexp(1.0, 62) / static_cast<double>(contributions);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const double scaled = static_cast<double>(numbers[i]) * scale;
    if (!(std::abs(scaled) <= limit)) {
      return invalid(fmt::format("a gradient is {}; in check mode a sum of {} holds from {:.4g} to {:.4g} each",
                                 numbers[i], contributions, -limit / scale, limit / scale));
    }
    sums[i] += std::llrint(scaled);
  }
  return {};
}

float from_fixed(int64_t sum) {
  return static_cast<float>(std::ldexp(static_cast<double>(sum), -kFixedPointBits));
}

}  // namespace pipeloom::backend
