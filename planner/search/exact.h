#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

struct ExactLimits {
  int64_t conflicts = 0;            // conflicts of the solver per question; 0: any number
  std::function<bool()> stop = {};  // polled now and then; empty: never
};

struct ExactResult {
  // No schedule is shorter than this. Equal to `value_ns` if optimality is proven.
  int64_t bound_ns = 0;
  std::optional<Order> order;  // an order shorter than `known_ns`, if one was found
  int64_t value_ns = 0;        // value of `order`, or `known_ns`
  bool proven = false;
  bool stopped = false;  // limits.stop said so
};

// True if the formula of a problem is small enough to be solved at all: some ten million clauses.
bool exact_can_try(const SearchProblem& problem, int64_t known_ns);

// Asks a SAT solver (CaDiCaL) for a schedule shorter than `known_ns`, then for shorter and shorter ones until there is
// none. Starts are in order encoding (Tamura et al., Compiling Finite Linear CSP into SAT, Constraints 2009) in units
// of the greatest common divisor of all times; docs/bounds.md has the formula. Same input, same result, unless it is
// stopped. REQUIRES: bound_ns <= known_ns; some order reaches known_ns; exact_can_try.
ExactResult solve_exactly(const SearchProblem& problem, int64_t bound_ns, int64_t known_ns, const ExactLimits& limits);

}  // namespace pipeloom::planner
