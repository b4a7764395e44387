#pragma once

#include <optional>

#include "planner/search/problem.h"

namespace pipeloom::planner {

// The same kind of problem with half the ranks, a quarter of the micro-batches, and memory in proportion: every second
// rank's stages, costs and caps. Policies that are good here are mostly good there, and eight times as fast to try.
// nullopt where the placement has no half.
std::optional<SearchProblem> coarse_problem(const SearchProblem& problem);

// The same problem with fewer micro-batches: enough to fill and drain all ranks with a steady state between, which more
// micro-batches only repeat. nullopt where that is not much shorter.
std::optional<SearchProblem> shorter_problem(const SearchProblem& problem);

}  // namespace pipeloom::planner
