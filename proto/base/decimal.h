#pragma once

#include <string_view>

#include "core/base/result.h"

namespace pipeloom::proto {

// Beyond this a double no longer holds six decimals of a millisecond, or every byte.
inline constexpr double kMaxWhole = 1e15;

// The whole number of small units in `value` big units (ms to ns: 1e6), rounded to the nearest. Refuses NaN, negative
// numbers and results beyond kMaxWhole; the error names the field.
Result<int64_t> whole_units(std::string_view field, double value, double units);

// What whole_units reads back to `whole`.
inline double decimal(int64_t whole, double units) {
  return static_cast<double>(whole) / units;
}

}  // namespace pipeloom::proto
