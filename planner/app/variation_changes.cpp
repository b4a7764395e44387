#include "planner/app/variation_changes.h"

#include <utility>

namespace pipeloom::planner {

Result<Job> with_variation(Job job, const VariationChanges& changes) {
  Variation& variation = job.variation;
  variation.jitter = changes.jitter.value_or(variation.jitter);
  variation.expert_imbalance = changes.expert_imbalance.value_or(variation.expert_imbalance);
  variation.straggler_probability = changes.straggler_probability.value_or(variation.straggler_probability);
  variation.straggler_slowdown = changes.straggler_slowdown.value_or(variation.straggler_slowdown);
  return make_job(std::move(job));
}

Status check_scatters(const Job& job) {
  if (!job.variation.none()) return {};
  return invalid("nothing scatters: give the job a variation, or for example --jitter 0.05");
}

}  // namespace pipeloom::planner
