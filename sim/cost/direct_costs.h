#pragma once

#include "core/base/result.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "core/schedule/placement.h"

namespace pipeloom::sim {

// Of a job that gives its costs itself: each stage is one component, an activation is a million, states are empty.
// REQUIRES: the job has direct costs.
Result<StepCosts> direct_step_costs(const Job& job, const Placement& placement);

}  // namespace pipeloom::sim
