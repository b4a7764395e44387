#include "planner/search/policy_walk.h"

namespace pipeloom::planner {

ListPolicy PolicyWalk::next(const SearchProblem& problem, const ListPolicy* begin, Random& random) {
  if (left_ == 0) {
    left_ = kSteps;
    at_ns_ = INT64_MAX;
    random_left_ = begin == nullptr ? kRandomPolicies : 0;
    if (begin != nullptr) {
      --left_;
      return *begin;
    }
  }
  --left_;
  if (random_left_ > 0 || at_ns_ == INT64_MAX) {
    --random_left_;
    return random_policy(problem, random);
  }
  return changed_policy(problem, at_, random);
}

void PolicyWalk::reached(const ListPolicy& policy, int64_t value_ns, Random& random) {
  const int64_t heat_ns = random_left_ > 0 ? 0 : value_ns / kHeatDivisor * left_ / kSteps;
  if (value_ns - random.allowance_ns(heat_ns) > at_ns_) return;
  at_ = policy;
  at_ns_ = value_ns;
}

}  // namespace pipeloom::planner
