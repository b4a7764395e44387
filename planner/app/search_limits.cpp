#include "planner/app/search_limits.h"

#include "planner/evaluate/evaluate.h"

namespace pipeloom::planner {

SearchLimits limits_of(const SearchEffort& effort, const Job& job, int searches) {
  using Clock = std::chrono::steady_clock;
  SearchLimits limits;
  limits.seed = effort.seed;
  limits.workers = effort.workers;
  limits.exact = effort.exact;
  limits.p2p = p2p_rule_of(job);
  limits.moves = effort.moves.value_or(0);
  if (effort.moves && !effort.budget) return limits;
  const auto budget = effort.budget.value_or(kUsualBudget) / searches;
  limits.time_spent = [begin = Clock::now(), budget] {
    return std::chrono::duration<double>(Clock::now() - begin) / std::chrono::duration<double>(budget);
  };
  return limits;
}

}  // namespace pipeloom::planner
