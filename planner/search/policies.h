#pragma once

#include "planner/search/list_scheduler.h"
#include "planner/search/random.h"

namespace pipeloom::planner {

// Any policy for a problem, and one that differs from `policy` in a few rules: how the search walks among them.
ListPolicy random_policy(const SearchProblem& problem, Random& random);
ListPolicy changed_policy(const SearchProblem& problem, const ListPolicy& policy, Random& random);

}  // namespace pipeloom::planner
