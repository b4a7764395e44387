#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "core/schedule/schedule.h"

namespace pipeloom::sim {

struct SampleOptions {
  int samples = 1000;  // number of steps
  uint64_t seed = 1;
  int workers = 2;  // threads; the result is the same for any number
  bool by_rank = true;
};

// What many steps take if durations scatter as the job's variation says.
struct Robustness {
  int64_t planned_ns = 0;  // time per step if nothing scatters
  int64_t mean_ns = 0;
  int64_t median_ns = 0;
  int64_t p95_ns = 0;
  // [rank] How much shorter the mean step is if this rank alone keeps to the plan. Measured over the first
  // `steps_by_rank` steps, whose mean loss against the plan is `loss_ns`. Ranks that hurt only together have small
  // losses.
  std::vector<int64_t> rank_loss_ns;
  int64_t loss_ns = 0;
  int steps_by_rank = 0;

  // REQUIRES: options.by_rank.
  int worst_rank() const;
};

// Fails if costs and schedule don't fit each other. REQUIRES: samples and workers are at least 1.
Result<Robustness> measure_robustness(const Job& job, const Schedule& schedule, const StepCosts& costs,
                                      const SampleOptions& options);

}  // namespace pipeloom::sim
