#pragma once

#include <cstdint>
#include <vector>

#include "planner/search/problem.h"
#include "planner/search/search.h"

namespace pipeloom::planner {

struct ContestResult {
  size_t winner = 0;  // index into the problems
  SearchResult found;
  int64_t least_bound_ns = 0;  // no schedule of any of the problems is shorter
};

// The shortest order for any of several problems, such as one job with its layers parted in different ways. Those with
// the least bounds and those whose named schedules are shortest are searched for a while, then the better half of them
// goes on, with what was good for any of them (successive halving: Jamieson and Talwalkar, Non-stochastic Best Arm
// Identification and Hyperparameter Optimization, AISTATS 2016). `limits` are for all together. Same seed and moves:
// same result. REQUIRES: at least one problem; all with one objective.
Result<ContestResult> search_any(const std::vector<const SearchProblem*>& problems, const SearchLimits& limits);

}  // namespace pipeloom::planner
