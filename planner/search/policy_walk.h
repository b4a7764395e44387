#pragma once

#include <cstdint>

#include "planner/search/list_scheduler.h"
#include "planner/search/policies.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// Simulated annealing over list policies. A walk begins at the best of some random policies, or at a given one. After a
// number of steps the next walk begins. Several walks find more than one long one, because policies far from each other
// can be equally good.
class PolicyWalk {
 public:
  static constexpr int64_t kSteps = 3000;

  // Returns the policy to try next. `begin` is where walks begin; nullptr: at random policies.
  ListPolicy next(const SearchProblem& problem, const ListPolicy* begin, Random& random);
  // Reports the value that the last policy of next() reached. The walk moves there or stays.
  void reached(const ListPolicy& policy, int64_t value_ns, Random& random);

 private:
  static constexpr int64_t kRandomPolicies = 100;  // the best of them begins a walk
  static constexpr int64_t kHeatDivisor = 1000;    // the first heat is the value divided by this

  ListPolicy at_;
  int64_t at_ns_ = INT64_MAX;
  int64_t left_ = 0;
  int64_t random_left_ = 0;
};

}  // namespace pipeloom::planner
