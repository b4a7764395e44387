#pragma once

#include "core/job.h"
#include "core/placement.h"
#include "core/result.h"
#include "core/step_costs.h"

namespace pipeloom {

// Of a job that gives its costs itself: each stage is one component, an activation is a million, states are empty.
// REQUIRES: the job has direct costs.
Result<StepCosts> direct_step_costs(const Job& job, const Placement& placement);

}  // namespace pipeloom
