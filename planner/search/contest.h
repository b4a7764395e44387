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

// Searches the shortest order for any of several problems, such as one job with different partitions of its layers. The
// problems with the least bounds and those with the shortest named schedules enter. After some rounds they try each
// other's best policies, and the better half goes on (successive halving: Jamieson and Talwalkar, Non-stochastic Best
// Arm Identification and Hyperparameter Optimization, AISTATS 2016). `limits` hold for all problems together. Same seed
// and moves: same result. REQUIRES: at least one problem; all with one objective.
Result<ContestResult> search_any(const std::vector<const SearchProblem*>& problems, const SearchLimits& limits);

}  // namespace pipeloom::planner
