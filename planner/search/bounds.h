#pragma once

#include <cstdint>

#include "planner/search/problem.h"

namespace pipeloom::planner {

// Lower bounds: no schedule of a problem has a smaller objective, in ns. Valid for every placement, costs per stage,
// latency, memory caps per rank with any share kept for W, and overlapped pairs. Proofs: docs/bounds.md.

// Bound by the rank that has the most to do between its first input and its last output. O(ranks * chunks + pairs).
int64_t rank_bound_ns(const SearchProblem& problem);

// Bound by the longest path through the precedences (hand-overs, the order of each line, memory) and by the preemptive
// one-machine schedule of every rank. O(ops * log ops).
int64_t path_bound_ns(const SearchProblem& problem);

// Returns the larger of these two bounds. Leaves out the path bound if the problem is so large that it would take
// longer than seconds.
int64_t lower_bound_ns(const SearchProblem& problem);

}  // namespace pipeloom::planner
