#pragma once

#include <optional>

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// An order for `longer`, made of one for a problem that differs from it in having fewer micro-batches: where the order
// repeats itself, a window that holds equally many ops of every line of every rank runs again and again (a repetend:
// Lin et al., Tessel, HPCA 2024). Memory needs no more than before; where the order is in its steady state, the
// makespan grows by the work that is added and nothing else. Of several windows the best is taken; nullopt where there
// is none.
std::optional<Order> repeated(const SearchProblem& shorter, const Order& order, const SearchProblem& longer);

}  // namespace pipeloom::planner
