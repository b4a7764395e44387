#pragma once

#include "core/schedule.h"
#include "core/step_costs.h"

namespace pipeloom::tests {

// Of stages of two MoE layers on two lanes, with times that differ by stage, contended slots and links that only delay.
StepCosts moe_costs(const Schedule& schedule);

}  // namespace pipeloom::tests
