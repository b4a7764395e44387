#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/search/contest.h"
#include "planner/search/job_problem.h"
#include "planner/subject/subject.h"

namespace pipeloom::planner {

// What a search is to find.
struct OrderRequest {
  std::optional<PlacementKind> placement = {};  // absent: linear, or for a model that of the best named schedule
  std::vector<int64_t> caps = {};  // millionths of an activation: one for all ranks or one per rank; empty: none
  Objective objective = Objective::kMakespan;
  std::optional<int> comm_sms = {};  // absent: as many as is best
};

// A job as it is placed, ready to be searched: a problem for each partition of its layers that is worth trying.
struct SearchedJob {
  Job job;
  std::vector<int64_t> caps;
  Objective objective = Objective::kMakespan;
  std::vector<JobProblem> problems;

  std::vector<const SearchProblem*> candidates() const;
};
Result<SearchedJob> searched_job(const Job& job, const OrderRequest& request);

// The best order that a search found for a job.
struct FoundOrder {
  Subject subject;
  SearchResult result;
  size_t partitions = 1;       // of the layers, among which the search was free
  int64_t least_bound_ns = 0;  // none of them can take less
};
Result<FoundOrder> search_order(SearchedJob searched, const SearchLimits& limits);

}  // namespace pipeloom::planner
