#pragma once

#include <optional>

#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::planner {

// How durations scatter, in the place of what the job says. What is absent stays.
struct VariationChanges {
  std::optional<double> jitter;
  std::optional<double> expert_imbalance;
  std::optional<double> straggler_probability;
  std::optional<double> straggler_slowdown;

  bool given() const { return jitter || expert_imbalance || straggler_probability || straggler_slowdown; }
};
Result<Job> with_variation(Job job, const VariationChanges& changes);

// Fails where nothing scatters: the steps would all be the same.
Status check_scatters(const Job& job);

}  // namespace pipeloom::planner
