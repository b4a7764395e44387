#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/job/job.h"
#include "planner/search/search.h"

namespace pipeloom::planner {

// How much a search may do, as a person says it.
struct SearchEffort {
  std::optional<std::chrono::nanoseconds> budget = {};  // absent: kUsualBudget, or none where moves are given
  std::optional<int64_t> moves = {};
  uint64_t seed = 1;
  int workers = 2;
  bool exact = false;
};
inline constexpr std::chrono::seconds kUsualBudget{5};

// The limits of one of `searches` searches, each of which gets the same part of the budget. Its time starts now.
SearchLimits limits_of(const SearchEffort& effort, const Job& job, int searches = 1);

}  // namespace pipeloom::planner
