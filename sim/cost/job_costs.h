#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "core/schedule/placement.h"
#include "sim/cost/overlap_costs.h"

namespace pipeloom::sim {

// What the job costs when its stages lie as `placement` says and have these layers (empty for a job with direct costs).
// Pure. Errors: the layers or the direct costs don't fit the stages; a pass is longer than a schedule may hold.
// REQUIRES: the job comes from make_job; with a model, the placement has layout.pipeline ranks.
// `slot_order` says in which order the components of an overlapped pair, and of B, run.
Result<StepCosts> step_costs(const Job& job, const Placement& placement, std::vector<int> layers_per_stage,
                             const SlotOrder& slot_order = usual_order);

// FLOPs of one step on one GPU as papers report them: 6 per weight that a token meets in a product and token (no
// embedding look-up, router or MTP module), causal attention, no recomputation.
// REQUIRES: the job has a model.
int64_t reported_flops_per_step(const Job& job);

}  // namespace pipeloom::sim
