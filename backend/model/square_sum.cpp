#include "backend/model/square_sum.h"

#include <fmt/format.h>

#include <cmath>

namespace pipeloom::backend {

namespace {

constexpr double kUnitsPerOne = 18446744073709551616.0;  // 2^64
// Far below what the sum can hold, 2^127 units, so that many of them fit.
constexpr double kMostUnits = kUnitsPerOne * 1152921504606846976.0;  // of a sum of 2^60

}  // namespace

Status SquareSum::add(float number) {
  // Exact: a float has 24 bits, a double 53.
  const double units = static_cast<double>(number) * static_cast<double>(number) * kUnitsPerOne;
  if (!(units < kMostUnits)) {
    return invalid(fmt::format("a gradient is {}; its square does not fit the norm's fixed point", number));
  }
  units_ += static_cast<int128_t>(units);
  return check();
}

Status SquareSum::add(const SquareSum& other) {
  units_ += other.units_;
  return check();
}

Status SquareSum::check() const {
  if (static_cast<double>(units_) < kMostUnits) return {};
  return invalid("the norm of the gradients overflows its fixed point");
}

double SquareSum::norm() const {
  return std::sqrt(static_cast<double>(units_) / kUnitsPerOne);
}

double clip_scale(double norm, double clip_norm) {
  constexpr double kEpsilon = 1e-6;
  return norm > clip_norm ? clip_norm / (norm + kEpsilon) : 1;
}

}  // namespace pipeloom::backend
