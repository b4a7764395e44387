#pragma once

#include <cstdint>

#include "planner/search/problem.h"

namespace pipeloom::planner {

// What no schedule of a problem can be shorter than, in ns of its objective. Valid for every placement, costs per
// stage, latency, memory caps per rank with any share kept for W, and overlapped pairs. Proofs: docs/bounds.md.

// The rank that has most to do between its first input and its last output (L1 to L3, and overlapped slots).
// O(ranks * chunks + pairs).
int64_t rank_bound_ns(const SearchProblem& problem);

// The longest path over what must come before what: hand-overs, the order of each line and memory (L4 to L6), then the
// preemptive one-machine bound of every rank (Jackson). O(ops * log ops).
int64_t path_bound_ns(const SearchProblem& problem);

// The larger of the two; the second only where it takes no more than seconds.
int64_t lower_bound_ns(const SearchProblem& problem);

}  // namespace pipeloom::planner
