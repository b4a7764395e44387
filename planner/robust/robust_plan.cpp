#include "planner/robust/robust_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/units.h"
#include "planner/subject/compare.h"

namespace pipeloom::planner {

namespace {

Result<RobustCandidate> measured(std::string name, Job job, Evaluation evaluation, const sim::SampleOptions& options) {
  PIPELOOM_TRY(sim::Robustness robustness,
               sim::measure_robustness(job, evaluation.schedule, evaluation.costs, options));
  return RobustCandidate{std::move(name), std::move(job), std::move(evaluation), std::move(robustness)};
}

Result<SearchProblem> with_slack(const SearchProblem& problem, int64_t slack_ns) {
  ScheduleCosts::Input costs = problem.costs().input();
  for (LinkCost& link : costs.links) link.latency_ns += slack_ns;
  PIPELOOM_TRY(ScheduleCosts slow, ScheduleCosts::create(problem.stages(), problem.ranks(), std::move(costs)));
  std::vector<int64_t> caps;
  for (int rank = 0; rank < problem.ranks(); ++rank) caps.push_back(problem.cap(rank));
  const auto pipes = problem.pipe_of_micro_batch();
  const auto activations = problem.activations();
  return SearchProblem::create({problem.placement(),
                                {pipes.begin(), pipes.end()},
                                std::move(slow),
                                {activations.begin(), activations.end()},
                                std::move(caps),
                                problem.objective()});
}

}  // namespace

std::vector<RobustCandidate> robust_named(const Job& job, const sim::SampleOptions& options) {
  std::vector<RobustCandidate> candidates;
  for (const ComparedSchedule& entry : compare_schedules(job)) {
    if (!entry.numbers || !entry.numbers->fits) continue;
    auto evaluation = evaluate(entry.job, *entry.named);
    if (!evaluation) continue;
    auto candidate = measured(std::string(entry.named->name), entry.job, *std::move(evaluation), options);
    if (candidate) candidates.push_back(*std::move(candidate));
  }
  std::ranges::stable_sort(candidates, {}, [](const RobustCandidate& c) { return c.robustness.p95_ns; });
  return candidates;
}

Result<RobustCandidate> robust_searched(const Job& job, const JobProblem& problem, int64_t slack_ns,
                                        const SearchLimits& limits, const sim::SampleOptions& options) {
  PIPELOOM_TRY(const SearchProblem slow, with_slack(problem.problem, slack_ns));
  PIPELOOM_TRY(SearchResult found, search(slow, limits));
  PIPELOOM_TRY(Evaluation evaluation, evaluate(job, std::move(found.schedule), problem.costs));
  std::string name = found.found_by;
  if (slack_ns > 0) name += fmt::format(", slack {}", format_duration(slack_ns));
  return measured(std::move(name), job, std::move(evaluation), options);
}

int64_t slack_ns(const Job& job, const SearchProblem& problem) {
  int64_t work_ns = 0;
  for (int rank = 0; rank < problem.ranks(); ++rank) work_ns += problem.work_ns(rank);
  const double scatter = std::max(job.variation.jitter, job.variation.expert_imbalance);
  return static_cast<int64_t>(static_cast<double>(work_ns / problem.ops()) * scatter);
}

}  // namespace pipeloom::planner
