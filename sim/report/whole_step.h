#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "core/schedule/schedule.h"

namespace pipeloom::sim {

struct WholeStepOptions {
  // Members of every expert-parallel group that are simulated one by one: they wait for each other. 1: one stands for
  // all. Only where durations scatter do members differ.
  int expert_ranks = 1;
  uint64_t seed = 1;  // of the job's variation
};

// What one rank's lanes do in a step, in ns; means over its replicas.
struct LaneUse {
  int64_t compute_ns = 0;   // busy
  int64_t slowed_ns = 0;    // of it: what kernels beside it cost, beyond the SMs that a pair's split takes
  int64_t exchange_ns = 0;  // all-to-all under way, waits included
  int64_t hidden_ns = 0;    // of it: beside compute
  int64_t peers_ns = 0;     // of it: waiting for other members
  int64_t links_ns = 0;     // what transfers took longer because others shared their links
};

// A whole iteration at component level: every component, transfer, reduction and optimizer of every rank.
struct WholeStep {
  int64_t step_ns = 0;
  int64_t tasks = 0;           // simulated, over all replicas
  std::vector<LaneUse> ranks;  // [rank]
};

// Fails where tasks wait for each other in a cycle, and where expert_ranks does not divide layout.expert.
Result<WholeStep> simulate_whole_step(const Job& job, const Schedule& schedule, const StepCosts& costs,
                                      const WholeStepOptions& options = {});

}  // namespace pipeloom::sim
