#include "planner/cli/search_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "core/base/units.h"

namespace pipeloom::planner {

namespace {

Result<std::chrono::microseconds> parse_budget(const std::string& text) {
  constexpr const char* kAllowed = "allowed are times such as 500ms, 5s or 2m, more than 0 and at most a day";
  const size_t unit_at = text.find_first_not_of("0123456789.");
  const std::string unit = unit_at == std::string::npos ? "s" : text.substr(unit_at);
  const auto number = parse_millionths(text.substr(0, unit_at));
  constexpr int64_t kDay = int64_t{86'400} * 1'000'000;
  const int64_t factor = unit == "m" ? 60 : 1;
  const int64_t divisor = unit == "ms" ? 1000 : 1;
  if (!number || (unit != "s" && unit != "ms" && unit != "m") || *number <= 0 || *number / divisor > kDay / factor) {
    return invalid(fmt::format("--budget is {}; {}", text, kAllowed));
  }
  return std::chrono::microseconds(*number * factor / divisor);
}

// "8" or "8:8:7:6", in millionths of an activation.
Result<std::vector<int64_t>> parse_caps(const std::string& text) {
  std::vector<int64_t> caps;
  for (size_t begin = 0; !text.empty() && begin <= text.size();) {
    const size_t end = std::min(text.find_first_of(":,", begin), text.size());
    const auto cap = parse_millionths(text.substr(begin, end - begin));
    if (!cap || *cap <= 0) {
      return invalid(
          fmt::format("--memory-cap is {}; allowed are activations, more than 0: one number or one per rank "
                      "(8:8:7:6)",
                      text));
    }
    caps.push_back(*cap);
    begin = end + 1;
  }
  return caps;
}

}  // namespace

Result<SearchEffort> effort_of(const SearchOptions& options) {
  SearchEffort effort = {.moves = options.moves, .exact = options.exact};
  effort.seed = options.seed.value_or(effort.seed);
  effort.workers = options.workers.value_or(effort.workers);
  if (options.budget.empty()) return effort;
  PIPELOOM_TRY(effort.budget, parse_budget(options.budget));
  return effort;
}

Result<OrderRequest> order_request_of(const PlanOptions& options) {
  const SearchOptions& search = options.search;
  OrderRequest request = {.comm_sms = options.comm_sms};
  if (!search.placement.empty()) {
    PIPELOOM_TRY(request.placement, placement_kind_from_name(search.placement));
  }
  PIPELOOM_TRY(request.caps, parse_caps(search.memory_cap));
  if (search.objective == "span") request.objective = Objective::kSpan;
  return request;
}

}  // namespace pipeloom::planner
