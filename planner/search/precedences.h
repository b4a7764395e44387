#pragma once

#include <cstdint>
#include <vector>

#include "planner/search/problem.h"

namespace pipeloom::planner {

// What must come before what in every schedule whose lines run in ascending order (docs/bounds.md), as rules between
// lines: op `from + shift` of one line starts at least `delay_ns` after op `from` of another has started, for every
// `from`. Hand-overs, the order of each line, F before I before W, and memory.
struct Precedence {
  int32_t before = 0;  // line
  int32_t after = 0;   // line
  int32_t shift = 0;   // not negative
  int64_t delay_ns = 0;
  bool same_rank = false;  // then the earlier op has ended
};

std::vector<Precedence> precedences_of(const SearchProblem& problem);

}  // namespace pipeloom::planner
