#pragma once

#include "planner/search/list_scheduler.h"
#include "planner/search/random.h"

namespace pipeloom::planner {

// random_policy() returns a random policy for a problem. changed_policy() returns one that differs from `policy` in a
// few rules.
ListPolicy random_policy(const SearchProblem& problem, Random& random);
ListPolicy changed_policy(const SearchProblem& problem, const ListPolicy& policy, Random& random);

}  // namespace pipeloom::planner
