#pragma once

#include <cstdint>

#include "planner/search/list_scheduler.h"
#include "planner/search/policies.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// Simulated annealing over list policies. A walk begins at the best of some random policies, or at a given one, and
// ends after some steps; then the next one begins. Walks from several begins find more than one long one: policies far
// from each other can be equally good.
class PolicyWalk {
 public:
  static constexpr int64_t kSteps = 3000;

  // The policy to try next. `begin`: where walks begin; nullptr: at random ones.
  ListPolicy next(const SearchProblem& problem, const ListPolicy* begin, Random& random);
  // What the policy of the last next() reaches: the walk goes on from there, or from where it was.
  void reached(const ListPolicy& policy, int64_t value_ns, Random& random);

 private:
  static constexpr int64_t kRandom = 100;
  static constexpr int64_t kHeat = 1000;  // of the value

  ListPolicy at_;
  int64_t at_ns_ = INT64_MAX;
  int64_t left_ = 0;
  int64_t random_left_ = 0;
};

}  // namespace pipeloom::planner
