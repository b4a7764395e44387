#include "planner/app/robust_choice.h"

#include <algorithm>
#include <utility>

#include "planner/app/variation_changes.h"
#include "planner/search/contest.h"

namespace pipeloom::planner {

namespace {

constexpr int kSlacks = 3;            // none, what a mean pass scatters by, and twice as much
constexpr int kCandidateSteps = 400;  // enough to tell candidates apart, all of which meet the same luck
constexpr int kChosenSteps = 1000;

// The partition of the layers that does best without slack.
Result<size_t> best_partition(const SearchedJob& searched, const SearchLimits& limits) {
  PIPELOOM_TRY(const ContestResult contest, search_any(searched.candidates(), limits));
  return contest.winner;
}

// Adds orders on the placement of the best named schedule, or on the one that is asked for, each with a slack.
Status add_searched(const Job& job, const RobustRequest& request, const sim::SampleOptions& samples,
                    std::vector<RobustCandidate>& candidates) {
  PIPELOOM_TRY(const SearchedJob searched, searched_job(job, *request.order));
  const bool several = searched.problems.size() > 1;
  const int searches = kSlacks + (several ? 1 : 0);
  size_t best = 0;
  if (several) {
    PIPELOOM_TRY(best, best_partition(searched, limits_of(request.effort, job, searches)));
  }
  const JobProblem& problem = searched.problems[best];
  for (int slack = 0; slack < kSlacks; ++slack) {
    PIPELOOM_TRY(RobustCandidate candidate,
                 robust_searched(searched.job, problem, slack * slack_ns(job, problem.problem),
                                 limits_of(request.effort, job, searches), samples));
    candidates.push_back(std::move(candidate));
  }
  return {};
}

}  // namespace

Result<RobustChoice> choose_robust(const Job& job, const RobustRequest& request) {
  PIPELOOM_RETURN_IF_ERROR(check_scatters(job));
  const sim::SampleOptions few = {.samples = kCandidateSteps, .seed = request.effort.seed, .by_rank = false};
  std::vector<RobustCandidate> candidates;
  if (request.named) candidates = robust_named(job, few);
  if (request.order) PIPELOOM_RETURN_IF_ERROR(add_searched(job, request, few, candidates));
  std::ranges::stable_sort(candidates, {}, [](const RobustCandidate& c) { return c.robustness.p95_ns; });
  if (candidates.empty()) return unsupported("no schedule fits the memory");
  const RobustCandidate& best = candidates.front();
  PIPELOOM_TRY(Subject subject, plan_overlap({best.job, best.name, best.evaluation}, request.comm_sms));
  const sim::SampleOptions samples = {.samples = kChosenSteps, .seed = few.seed};
  PIPELOOM_TRY(sim::Robustness robustness,
               sim::measure_robustness(subject.job, subject.evaluation.schedule, subject.evaluation.costs, samples));
  return RobustChoice{std::move(subject), std::move(robustness), samples, std::move(candidates)};
}

}  // namespace pipeloom::planner
