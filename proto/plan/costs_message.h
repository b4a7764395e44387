#pragma once

#include "core/costs/step_costs.h"

namespace pipeloom::message {

class StepCosts;

}  // namespace pipeloom::message

namespace pipeloom {

class Schedule;

}  // namespace pipeloom

namespace pipeloom::proto {

void store_costs(const StepCosts& costs, message::StepCosts* message);

// Refuses costs that don't fit the schedule's stages, ranks and micro-batches.
Result<StepCosts> load_costs(const message::StepCosts& message, const Schedule& schedule);

}  // namespace pipeloom::proto
