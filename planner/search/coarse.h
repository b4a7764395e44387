#pragma once

#include <optional>

#include "planner/search/problem.h"

namespace pipeloom::planner {

// Makes a problem of the same kind with half the ranks, a quarter of the micro-batches and memory in proportion. It
// keeps every second rank's stages, costs and caps. Policies that are good on it are mostly good on `problem`, and are
// tried eight times as fast. nullopt if the placement can't be halved.
std::optional<SearchProblem> coarse_problem(const SearchProblem& problem);

// Makes the same problem with fewer micro-batches: enough to fill and drain all ranks with a steady state between,
// which more micro-batches only repeat. nullopt if it would not be much shorter.
std::optional<SearchProblem> shorter_problem(const SearchProblem& problem);

}  // namespace pipeloom::planner
