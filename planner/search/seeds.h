#pragma once

#include <string>
#include <vector>

#include "planner/search/order.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// A named schedule of the problem's placement, unchanged, for comparison.
struct NamedOrder {
  std::string name;
  Schedule schedule;
  bool fits = false;  // within the memory caps
};
std::vector<NamedOrder> named_orders(const SearchProblem& problem);

// Returns the order that runs one micro-batch after the other. It is the longest and needs the least memory: it fits
// every problem's caps.
Order one_by_one(const SearchProblem& problem);

// Returns the orders that a search can start from: the named orders, repaired if they don't fit the caps, and
// one_by_one.
std::vector<Order> seed_orders(const SearchProblem& problem, const std::vector<NamedOrder>& named);

}  // namespace pipeloom::planner
