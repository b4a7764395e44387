#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace pipeloom {

// Holds the product of two 64-bit quantities.
__extension__ using int128_t = __int128;

// One unit of a command-line time ("F=1") in nanoseconds; six decimals are exact.
inline constexpr int64_t kNsPerUnit = 1'000'000;

// Parses a decimal number ("1.25", "-0.5", "3") into millionths, exactly. Refuses more than six decimals, exponents,
// NaN, infinities and anything beyond ±9.2e12.
Result<int64_t> parse_millionths(std::string_view text);

// Returns the shortest decimal that parse_millionths reads back as `millionths`: "1.25", "3".
std::string format_millionths(int64_t millionths);

// Formats a duration for people with four significant digits, or in whole ns: "19.93 s", "1.300 ms", "12 ns".
std::string format_duration(int64_t ns);

// Formats a size for people, in powers of 1000: "58.7 MB", "80.0 GB".
std::string format_bytes(int64_t bytes);

}  // namespace pipeloom
