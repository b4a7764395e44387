#include "core/base/units.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace pipeloom {

Result<int64_t> parse_millionths(std::string_view text) {
  const auto bad = [&](const char* why) {
    return invalid(
        fmt::format("\"{}\" is {}; allowed is a decimal number such as 1, 0.25 or 12.5, with at most six "
                    "decimals",
                    text, why));
  };
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (negative) rest.remove_prefix(1);
  int64_t value = 0;
  int decimals = -1;  // -1 until the point is seen
  bool any_digit = false;
  for (const char c : rest) {
    if (c == '.' && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (c < '0' || c > '9') return bad("not a number");
    any_digit = true;
    if (decimals == 6) {
      if (c != '0') return bad("too precise");
      continue;
    }
    if (value > (std::numeric_limits<int64_t>::max() - 9) / 10) return bad("too large");
    value = value * 10 + (c - '0');
    if (decimals >= 0) ++decimals;
  }
  if (!any_digit) return bad("not a number");
  for (int i = decimals < 0 ? 0 : decimals; i < 6; ++i) {
    if (value > std::numeric_limits<int64_t>::max() / 10) return bad("too large");
    value *= 10;
  }
  return negative ? -value : value;
}

std::string format_millionths(int64_t millionths) {
  const bool negative = millionths < 0;
  const uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(millionths) : static_cast<uint64_t>(millionths);
  std::string text = fmt::format("{}{}.{:06}", negative ? "-" : "", magnitude / 1'000'000, magnitude % 1'000'000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

namespace {

std::string with_four_digits(double value, std::string_view unit) {
  const double magnitude = std::fabs(value);
  const int decimals = magnitude >= 1000 ? 0 : magnitude >= 100 ? 1 : magnitude >= 10 ? 2 : 3;
  return fmt::format("{:.{}f} {}", value, decimals, unit);
}

}  // namespace

std::string format_duration(int64_t ns) {
  const double magnitude = std::fabs(static_cast<double>(ns));
  if (magnitude >= 1e9) return with_four_digits(static_cast<double>(ns) / 1e9, "s");
  if (magnitude >= 1e6) return with_four_digits(static_cast<double>(ns) / 1e6, "ms");
  if (magnitude >= 1e3) return with_four_digits(static_cast<double>(ns) / 1e3, "us");
  return fmt::format("{} ns", ns);
}

std::string format_bytes(int64_t bytes) {
  const double magnitude = std::fabs(static_cast<double>(bytes));
  if (magnitude >= 1e9) return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
  if (magnitude >= 1e6) return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
  if (magnitude >= 1e3) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{} B", bytes);
}

}  // namespace pipeloom
