#include "planner/app/improve.h"

#include <utility>
#include <vector>

#include "planner/app/order_search.h"

namespace pipeloom::planner {

namespace {

// The job, fixed to the subject's chunks, pipes and layers.
Job job_as_placed(const Subject& subject) {
  Job job = subject.job;
  const Placement& placement = subject.evaluation.schedule.placement();
  if (job.model) job.layout.layers_per_stage = subject.evaluation.costs.layers_per_stage;
  job.schedule.chunks = placement.stages() / placement.ranks();
  if (placement.kind() == PlacementKind::kBidirectional) job.schedule.pipe_pairs = placement.pipes() / 2;
  return job;
}

}  // namespace

Result<Improved> improved(const Subject& subject, int64_t activation_cap, const SearchLimits& limits) {
  OrderRequest request = {.placement = subject.evaluation.schedule.placement().kind()};
  const int64_t peak = subject.evaluation.peak_memory();
  // With a model the GPU's memory is the cap.
  if (!subject.job.model) request.caps = {activation_cap > 0 ? activation_cap : peak};
  const bool fits = request.caps.empty() || peak <= request.caps.front();
  PIPELOOM_TRY(SearchedJob searched, searched_job(job_as_placed(subject), request));
  PIPELOOM_TRY(FoundOrder found, search_order(std::move(searched), limits));
  const int64_t bound_ns = found.result.bound_ns;
  if (fits && found.result.makespan_ns >= subject.evaluation.bubble.makespan_ns) return Improved{subject, bound_ns};
  return Improved{std::move(found.subject), bound_ns, true};
}

}  // namespace pipeloom::planner
