#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace pipeloom {

// Products of two 64-bit quantities.
__extension__ using int128_t = __int128;

// One unit of a command-line time ("F=1") in nanoseconds; six decimals are exact.
inline constexpr int64_t kNsPerUnit = 1'000'000;

// Parses a decimal number ("1.25", "-0.5", "3") into millionths, exactly. Refuses more than six decimals, exponents,
// NaN, infinities and anything beyond ±9.2e12.
Result<int64_t> parse_millionths(std::string_view text);

// The shortest decimal that parse_millionths reads back to `millionths`: "1.25", "3".
std::string format_millionths(int64_t millionths);

// "19.93 s", "1.3 ms", "475 us", "12 ns": three or four significant digits for a person.
std::string format_duration(int64_t ns);

// "58.7 MB", "80.0 GB" (powers of 1000).
std::string format_bytes(int64_t bytes);

}  // namespace pipeloom
