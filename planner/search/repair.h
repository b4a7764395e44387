#pragma once

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// The same order with every rank within its memory cap: where an F does not fit, the next passes of the rank that give
// memory back and may run then go first. The order may deadlock where the old one did not. Pairs that do not fit are
// parted. O(ops * what is brought forward).
Order repaired_to_caps(const SearchProblem& problem, const Order& order);

}  // namespace pipeloom::planner
