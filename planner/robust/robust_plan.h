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

// One order of a job, and how its steps scatter.
struct RobustCandidate {
  std::string name;  // of the schedule; what was searched says with how much slack
  Job job;
  Evaluation evaluation;
  sim::Robustness robustness;
};

// Every named schedule that fits the job's memory, the least p95 first. All meet the same luck.
std::vector<RobustCandidate> robust_named(const Job& job, const sim::SampleOptions& options);

// The order that a search finds when it takes every hand-over to last `slack_ns` longer than it does: inputs are then
// there before they are needed, and what is late delays fewer ranks. Timed with the true costs. Fails as search does.
Result<RobustCandidate> robust_searched(const Job& job, const JobProblem& problem, int64_t slack_ns,
                                        const SearchLimits& limits, const sim::SampleOptions& options);

// A slack worth trying: what a mean pass of the problem scatters by.
int64_t slack_ns(const Job& job, const SearchProblem& problem);

}  // namespace pipeloom::planner
