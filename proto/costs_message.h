#pragma once

#include "core/step_costs.h"

namespace pipeloom {

class Schedule;
namespace proto {
class StepCosts;
}

void store_costs(const StepCosts& costs, proto::StepCosts* message);

// Refuses costs that don't fit the schedule's stages, ranks and micro-batches.
Result<StepCosts> load_costs(const proto::StepCosts& message, const Schedule& schedule);

}  // namespace pipeloom
