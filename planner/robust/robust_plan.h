#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/evaluate/evaluate.h"
#include "planner/search/job_problem.h"
#include "planner/search/search.h"
#include "sim/robust/robustness.h"

namespace pipeloom::planner {

// One order of a job, and how its step time scatters.
struct RobustCandidate {
  std::string name;  // name of the schedule; a searched order also names its slack
  Job job;
  Evaluation evaluation;
  sim::Robustness robustness;
};

// Measures every named schedule that fits the job's memory; the least p95 comes first. All schedules meet the same
// random draws.
std::vector<RobustCandidate> robust_named(const Job& job, const sim::SampleOptions& options);

// Searches an order as if every hand-over lasted `slack_ns` longer. Inputs then arrive before they are needed, and a
// late one delays fewer ranks. The result is timed with the true costs. Fails as search() does.
Result<RobustCandidate> robust_searched(const Job& job, const JobProblem& problem, int64_t slack_ns,
                                        const SearchLimits& limits, const sim::SampleOptions& options);

// Returns a slack worth trying: the scatter of a mean pass of the problem.
int64_t slack_ns(const Job& job, const SearchProblem& problem);

}  // namespace pipeloom::planner
