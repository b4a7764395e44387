#pragma once

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// Returns the order changed so that every rank stays within its memory cap: if an F does not fit, the next passes of
// the rank that give memory back and may run go first. Pairs that do not fit are parted. The result may deadlock even
// if `order` does not. O(ops * slots brought forward).
Order repaired_to_caps(const SearchProblem& problem, const Order& order);

}  // namespace pipeloom::planner
