#pragma once

#include <vector>

#include "planner/cli/command.h"
#include "planner/search/job_problem.h"
#include "planner/search/search.h"

namespace pipeloom::planner {

// What the options of a search make of a job: the job as it is placed, and a problem for each partition of its layers.
struct SearchedJob {
  Job job;
  std::vector<int64_t> caps;  // millionths of an activation
  Objective objective = Objective::kMakespan;
  std::vector<JobProblem> problems;

  std::vector<const SearchProblem*> candidates() const {
    std::vector<const SearchProblem*> all;
    for (const JobProblem& problem : problems) all.push_back(&problem.problem);
    return all;
  }
};
Result<SearchedJob> searched_job(const Job& job, const PlanOptions& options);

// Each of `searches` searches gets the same part of the time.
Result<SearchLimits> limits_of(const SearchOptions& options, const Job& job, size_t searches);

}  // namespace pipeloom::planner
