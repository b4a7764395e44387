#pragma once

#include <cstdint>
#include <vector>

#include "planner/search/problem.h"

namespace pipeloom::planner {

// A rule between two lines: for every i, op i + `shift` of line `after` starts at least `delay_ns` after op i of line
// `before` has started. Holds in every schedule whose lines run in ascending order (docs/bounds.md). Rules come from
// hand-overs, the order of each line, F before I before W, and memory.
struct Precedence {
  int32_t before = 0;  // line
  int32_t after = 0;   // line
  int32_t shift = 0;   // not negative
  int64_t delay_ns = 0;
  bool same_rank = false;  // if true, the earlier op has ended, not only started
};

std::vector<Precedence> precedences_of(const SearchProblem& problem);

}  // namespace pipeloom::planner
