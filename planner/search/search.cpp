#include "planner/search/search.h"

#include "planner/search/ongoing_search.h"

namespace pipeloom::planner {

Status check_limits(const SearchLimits& limits) {
  if (limits.moves > 0 || limits.time_spent) return {};
  return invalid("a search needs a number of moves or a time budget");
}

bool interrupted(const SearchLimits& limits) {
  return (limits.cancel != nullptr && limits.cancel->load()) || (limits.time_spent && limits.time_spent() >= 1);
}

Result<SearchResult> search(const SearchProblem& problem, const SearchLimits& limits) {
  PIPELOOM_RETURN_IF_ERROR(check_limits(limits));
  OngoingSearch search(problem, limits.seed);
  while (!search.finished(limits)) {
    search.run_round(limits);
    if (limits.progress && search.value_ns() < INT64_MAX) {
      limits.progress({search.moves(), search.value_ns(), search.bound_ns()});
    }
  }
  return search.result(limits.p2p);
}

}  // namespace pipeloom::planner
