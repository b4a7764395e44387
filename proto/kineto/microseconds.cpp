#include "proto/kineto/microseconds.h"

#include <charconv>
#include <cmath>

namespace pipeloom::proto {

namespace {

constexpr int64_t kMostUs = int64_t{1} << 51;

bool by_double(std::string_view text, int64_t* ns) {
  double us = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), us);
  if (error != std::errc{} || end != text.data() + text.size() || std::abs(us) > static_cast<double>(kMostUs)) {
    return false;
  }
  *ns = static_cast<int64_t>(us * 1000);
  return true;
}

}  // namespace

bool parse_whole(std::string_view text, int64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse_microseconds(std::string_view text, int64_t* ns) {
  if (text.find_first_of("eE") != std::string_view::npos) return by_double(text, ns);
  int64_t us = 0;
  const char* const last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data(), last, us);
  if (error != std::errc{} || us > kMostUs || us < -kMostUs) return false;
  int64_t decimals = 0;
  if (end != last) {
    if (*end != '.') return false;
    ++end;
    for (int digit = 0; digit < 3; ++digit) {
      const bool there = end != last && *end >= '0' && *end <= '9';
      decimals = decimals * 10 + (there ? *end++ - '0' : 0);
    }
  }
  *ns = us * 1000 + (text.front() == '-' ? -decimals : decimals);
  return true;
}

}  // namespace pipeloom::proto
