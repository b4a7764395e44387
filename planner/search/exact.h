#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

struct ExactLimits {
  int64_t conflicts = 0;            // of the solver, for each question; 0: any number
  std::function<bool()> stop = {};  // asked now and then; empty: never
};

struct ExactResult {
  // What no schedule is shorter than; equal to the value of the best order where optimality is proven.
  int64_t bound_ns = 0;
  std::optional<Order> order;  // where one shorter than `known_ns` was found
  int64_t value_ns = 0;        // of it, or known_ns
  bool proven = false;
  bool stopped = false;  // by limits.stop
};

// Whether the formula of a problem is small enough to be solved at all: some ten million clauses.
bool exact_can_try(const SearchProblem& problem, int64_t known_ns);

// Asks a SAT solver (CaDiCaL) for a schedule shorter than `known_ns`, again and again until there is none. Starts are
// in order encoding (Tamura et al., Compiling Finite Linear CSP into SAT, Constraints 2009) in units of the greatest
// common divisor of all times; docs/bounds.md has the formula. Same input, same result, unless it is stopped.
// REQUIRES: bound_ns <= known_ns, which some order reaches; exact_can_try.
ExactResult solve_exactly(const SearchProblem& problem, int64_t bound_ns, int64_t known_ns, const ExactLimits& limits);

}  // namespace pipeloom::planner
