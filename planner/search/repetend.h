#pragma once

#include <optional>

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// Makes an order for `longer` from an order for `shorter`, which differs only in having fewer micro-batches. A window
// that holds equally many ops of every line of every rank is repeated (a repetend: Lin et al., Tessel, HPCA 2024).
// Memory needs no more than before. If the window lies in the steady state, the makespan grows only by the work that is
// added. Takes the best of several windows; nullopt if there is none.
std::optional<Order> repeated(const SearchProblem& shorter, const Order& order, const SearchProblem& longer);

}  // namespace pipeloom::planner
