#pragma once

#include <string>
#include <vector>

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// A named schedule of the problem's placement as it is, for comparing.
struct NamedOrder {
  std::string name;
  Schedule schedule;
  bool fits = false;  // the memory caps
};
std::vector<NamedOrder> named_orders(const SearchProblem& problem);

// One micro-batch after the other: the longest order, and the one that needs the least memory. It fits every problem's
// caps.
Order one_by_one(const SearchProblem& problem);

// Where a search can start: the named orders, repaired to the caps where they don't fit, and one_by_one.
std::vector<Order> seed_orders(const SearchProblem& problem, const std::vector<NamedOrder>& named);

}  // namespace pipeloom::planner
