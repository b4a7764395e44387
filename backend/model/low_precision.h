#pragma once

#include <cstdint>

namespace pipeloom::backend {

// A binary floating-point format of at most 16 bits: sign, biased exponent, fraction, with denormals. The highest
// exponent is kept for infinities and NaN, or, where `finite`, its last fraction alone is NaN (OCP 8-bit Floating Point
// Specification 1.0, section 5).
struct NumberFormat {
  int exponent_bits = 0;
  int fraction_bits = 0;
  bool finite = false;

  constexpr int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  constexpr int bits() const { return 1 + exponent_bits + fraction_bits; }
  constexpr int least_exponent() const { return 1 - bias(); }  // of normal numbers
  constexpr uint32_t largest_code() const {                    // of a positive number
    const uint32_t whole = (1u << (bits() - 1)) - 1;
    return finite ? whole - 1 : whole - (1u << fraction_bits);
  }
  bool operator==(const NumberFormat&) const = default;
};
inline constexpr NumberFormat kE4m3Format{4, 3, true};  // products and what travels to experts; up to 448
// Activations before attention's output projection, DeepSeek-V3 report (arXiv 2412.19437), section 3.3.3; up to 65024.
inline constexpr NumberFormat kE5m6Format{5, 6, false};
inline constexpr NumberFormat kBf16Format{8, 7, false};

float largest(const NumberFormat& format);
// The nearest number of the format, ties to the even one. What is larger than the largest becomes that, infinities too
// (as conversions to FP8 with saturation on GPUs do). NaN stays NaN.
float rounded(float number, const NumberFormat& format);

// Numbers as they are stored: the format's bits, sign first, in the low bits. encode rounds as rounded() does; NaN
// becomes the positive NaN with all bits set. REQUIRES of decode: a code of the format.
uint16_t encode(float number, const NumberFormat& format);
float decode(uint16_t code, const NumberFormat& format);

}  // namespace pipeloom::backend
