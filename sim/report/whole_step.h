#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "core/schedule/schedule.h"

namespace pipeloom::sim {

struct WholeStepOptions {
  // Members of every expert-parallel group that are simulated one by one and wait for each other. 1: one stands for
  // all. Members differ only if durations scatter.
  int expert_ranks = 1;
  uint64_t seed = 1;  // seed of the job's variation
};

// What one rank's lanes do in a step, in ns; mean over its replicas.
struct LaneUse {
  int64_t compute_ns = 0;   // busy
  int64_t slowed_ns = 0;    // part of compute_ns that kernels beside it cost, beyond the SMs that a pair's split takes
  int64_t exchange_ns = 0;  // all-to-all, waits included
  int64_t hidden_ns = 0;    // part of exchange_ns beside compute
  int64_t peers_ns = 0;     // part of exchange_ns waiting for other members
  int64_t links_ns = 0;     // extra time of transfers because others shared their links
};

// A whole step at component level: every component, transfer, reduction and optimizer of every rank.
struct WholeStep {
  int64_t step_ns = 0;
  int64_t tasks = 0;           // simulated tasks, over all replicas
  std::vector<LaneUse> ranks;  // [rank]
};

// Fails if tasks wait for each other in a cycle, or expert_ranks does not divide layout.expert.
Result<WholeStep> simulate_whole_step(const Job& job, const Schedule& schedule, const StepCosts& costs,
                                      const WholeStepOptions& options = {});

}  // namespace pipeloom::sim
