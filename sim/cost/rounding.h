#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/base/check.h"
#include "core/costs/costs.h"

namespace pipeloom::sim {

// The one place where times and bytes leave floating point. What no schedule or GPU could hold is cut to a value that
// they still refuse, so that sums over layers and micro-batches stay inside int64.
inline int64_t rounded_ns(double seconds) {
  PIPELOOM_THROW_UNLESS(!std::isnan(seconds));
  return std::llround(std::min(seconds * 1e9, 2.0 * static_cast<double>(ScheduleCosts::kMaxPassNs)));
}
inline int64_t rounded_bytes(double bytes) {
  PIPELOOM_THROW_UNLESS(!std::isnan(bytes));
  return std::llround(std::min(bytes, 1e15));
}

}  // namespace pipeloom::sim
