#include "backend/model/low_precision.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace pipeloom::backend {

namespace {

constexpr int kDoubleFraction = 52;
constexpr int kDoubleBias = 1023;

double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + kDoubleBias) << kDoubleFraction);
}

// Of a number other than 0, below 2 to this power plus one. The denormals of float are far below any format's least.
int exponent_of(double magnitude) {
  return static_cast<int>(std::bit_cast<uint64_t>(magnitude) >> kDoubleFraction) - kDoubleBias;
}

}  // namespace

float largest(const NumberFormat& format) {
  return decode(static_cast<uint16_t>(format.largest_code()), format);
}

float rounded(float number, const NumberFormat& format) {
  if (std::isnan(number)) return number;
  const double magnitude = std::abs(static_cast<double>(number));
  const double most = largest(format);
  if (magnitude >= most) return std::copysign(static_cast<float>(most), number);
  const int exponent = std::max(exponent_of(magnitude), format.least_exponent());
  // Adding a large number leaves no bits below the unit: the machine rounds to nearest, ties to even.
  const double no_fraction = 1.5 * power_of_two(exponent - format.fraction_bits + kDoubleFraction);
  const double nearest = (magnitude + no_fraction) - no_fraction;
  return std::copysign(static_cast<float>(std::min(nearest, most)), number);
}

uint16_t encode(float number, const NumberFormat& format) {
  if (std::isnan(number)) return static_cast<uint16_t>((1u << (format.bits() - 1)) - 1);
  const double magnitude = std::abs(static_cast<double>(rounded(number, format)));
  const uint32_t sign = std::signbit(number) ? 1u << (format.bits() - 1) : 0;
  const int exponent =
      magnitude == 0 ? format.least_exponent() : std::max(exponent_of(magnitude), format.least_exponent());
  // The fraction with its leading one, if it has one: that carries into the exponent.
  const auto units = static_cast<uint32_t>(magnitude / power_of_two(exponent - format.fraction_bits));
  const auto lifted = static_cast<uint32_t>(exponent - format.least_exponent()) << format.fraction_bits;
  return static_cast<uint16_t>(sign | (lifted + units));
}

float decode(uint16_t code, const NumberFormat& format) {
  const uint32_t magnitude = code & ((1u << (format.bits() - 1)) - 1);
  const bool negative = (code >> (format.bits() - 1)) != 0;
  const uint32_t field = magnitude >> format.fraction_bits;
  const uint32_t fraction = magnitude & ((1u << format.fraction_bits) - 1);
  float value = 0;
  if (magnitude > format.largest_code()) {
    value = !format.finite && fraction == 0 ? std::numeric_limits<float>::infinity()
                                            : std::numeric_limits<float>::quiet_NaN();
  } else {
    const bool normal = field != 0;
    const int exponent = format.least_exponent() + (normal ? static_cast<int>(field) - 1 : 0);
    const uint32_t units = fraction + (normal ? 1u << format.fraction_bits : 0);
    value = static_cast<float>(units * power_of_two(exponent - format.fraction_bits));
  }
  return negative ? -value : value;
}

}  // namespace pipeloom::backend
