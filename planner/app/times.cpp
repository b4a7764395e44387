#include "planner/app/times.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/base/units.h"
#include "core/costs/costs.h"

namespace pipeloom::planner {

namespace {

constexpr std::string_view kNames[] = {"F", "I", "W", "B", "pair", "FI", "link"};
constexpr std::string_view kAllowed =
    "allowed are F, I, W, B, pair (F beside B), FI (F beside I, its W apart) and link, as in "
    "F=1,I=1,W=1,pair=3,link=0.1, with one value or one per stage "
    "(F=1:1.2:1:1)";

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

using Values = std::map<std::string, std::vector<int64_t>, std::less<>>;

Result<Values> parse_values(std::string_view text) {
  Values values;
  for (const std::string_view entry : split(text, ',')) {
    const size_t equals = entry.find('=');
    const std::string name(entry.substr(0, equals));
    const bool known = std::ranges::find(kNames, name) != std::end(kNames);
    if (equals == std::string_view::npos || !known) {
      return invalid(fmt::format("--times: \"{}\" is not a time; {}", entry, kAllowed));
    }
    if (values.contains(name)) return invalid(fmt::format("--times: {} is given twice", name));
    for (const std::string_view number : split(entry.substr(equals + 1), ':')) {
      const auto value = parse_millionths(number);
      if (!value) return invalid(fmt::format("--times: {}: {}", name, value.error().message));
      if (*value < 0) return invalid(fmt::format("--times: {} is {}; a time can't be negative", name, number));
      if (*value > ScheduleCosts::kMaxPassNs) {
        return invalid(fmt::format("--times: {} is {}; at most {} is allowed", name, number,
                                   format_millionths(ScheduleCosts::kMaxPassNs)));
      }
      values[name].push_back(*value);
    }
  }
  return values;
}

}  // namespace

Result<PassTimes> parse_times(std::string_view text) {
  static_assert(kNsPerUnit == 1'000'000, "millionths of a unit are nanoseconds");
  PIPELOOM_TRY(Values values, parse_values(text));
  for (const char* name : {"pair", "FI", "link"}) {
    if (values.contains(name) && values[name].size() != 1) {
      return invalid(fmt::format("--times: {} takes one value", name));
    }
  }
  const bool split_backward = values.contains("I") && values.contains("W");
  if (!values.contains("F") || (!split_backward && !values.contains("B")) ||
      values.contains("I") != values.contains("W")) {
    return invalid(fmt::format("--times \"{}\" needs F, and I and W or B; {}", text, kAllowed));
  }
  PassTimes times;
  times.costs.f_ns = values["F"];
  times.costs.b_ns = values["B"];
  if (split_backward) {
    times.costs.i_ns = values["I"];
    times.costs.w_ns = values["W"];
  } else {
    for (const int64_t backward_ns : times.costs.b_ns) {
      times.costs.i_ns.push_back(backward_ns - backward_ns / 2);
      times.costs.w_ns.push_back(backward_ns / 2);
    }
  }
  if (values.contains("pair")) times.costs.pair_ns = values["pair"].front();
  if (values.contains("FI")) times.costs.input_pair_ns = values["FI"].front();
  if (values.contains("link")) times.link_ns = values["link"].front();
  return times;
}

}  // namespace pipeloom::planner
