#pragma once

#include "core/costs/step_costs.h"
#include "core/schedule/schedule.h"

namespace pipeloom::tests {

// Makes costs of stages of two MoE layers on two lanes, with times that differ by stage, contended slots, and links
// that only delay.
StepCosts moe_costs(const Schedule& schedule);

}  // namespace pipeloom::tests
