#include "planner/app/order_search.h"

#include <fmt/format.h>

#include <utility>

namespace pipeloom::planner {

namespace {

struct PlacedJob {
  Job job;
  PlacementKind kind = PlacementKind::kLinear;
};

// If no placement is asked for, a job with a model is searched as the best named schedule runs it: on its placement,
// with its chunks and its split of the SMs.
Result<PlacedJob> placed_job(const Job& job, const OrderRequest& request) {
  if (request.placement || !job.model) return PlacedJob{job, request.placement.value_or(PlacementKind::kLinear)};
  PIPELOOM_TRY(Subject best, choose_schedule(job));
  PIPELOOM_TRY(best, plan_overlap(std::move(best), request.comm_sms));
  const Placement& placed = best.evaluation.schedule.placement();
  best.job.schedule.chunks = placed.stages() / placed.ranks();
  return PlacedJob{std::move(best.job), placed.kind()};
}

Status check_request(const OrderRequest& request, const Job& job) {
  if (request.objective == Objective::kSpan && job.clipping == Clipping::kGlobal) {
    return invalid(
        "--objective span can't be combined with clipping: GLOBAL, a barrier that no rank passes alone; allowed are "
        "--objective makespan, and clipping: VALIDATED");
  }
  const size_t caps = request.caps.size();
  if (caps <= 1 || static_cast<int>(caps) == job.layout.pipeline) return {};
  return invalid(fmt::format("--memory-cap has {} entries; allowed are one, or one for each of the {} ranks", caps,
                             job.layout.pipeline));
}

}  // namespace

std::vector<const SearchProblem*> SearchedJob::candidates() const {
  std::vector<const SearchProblem*> all;
  for (const JobProblem& problem : problems) all.push_back(&problem.problem);
  return all;
}

Result<SearchedJob> searched_job(const Job& job, const OrderRequest& request) {
  PIPELOOM_TRY(PlacedJob placed, placed_job(job, request));
  PIPELOOM_RETURN_IF_ERROR(check_request(request, placed.job));
  PIPELOOM_TRY(std::vector<JobProblem> problems, problems_of(placed.job, placed.kind, request.caps, request.objective));
  return SearchedJob{std::move(placed.job), request.caps, request.objective, std::move(problems)};
}

Result<FoundOrder> search_order(SearchedJob searched, const SearchLimits& limits) {
  PIPELOOM_TRY(ContestResult contest, search_any(searched.candidates(), limits));
  const size_t partitions = searched.problems.size();
  StepCosts& costs = searched.problems[contest.winner].costs;
  PIPELOOM_TRY(Evaluation evaluation, evaluate(searched.job, contest.found.schedule, std::move(costs)));
  Subject subject = {std::move(searched.job), contest.found.found_by, std::move(evaluation)};
  return FoundOrder{std::move(subject), std::move(contest.found), partitions, contest.least_bound_ns};
}

}  // namespace pipeloom::planner
