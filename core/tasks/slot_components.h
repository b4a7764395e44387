#pragma once

#include <vector>

#include "core/costs/component.h"
#include "core/costs/step_costs.h"
#include "core/schedule/slot.h"

namespace pipeloom {

// One component of a slot, in the order in which it is issued.
struct SlotComponent {
  ComponentCost cost;
  SlotKind pass = SlotKind::kF;  // F, I or W
  int64_t duration_ns = 0;
  int32_t after = -1;  // the earlier component of the slot that it waits for beyond its lane; -1: none
};

// The components of `slot` in issue order; each lane runs its own in this order: as the slot's overlap program says, if
// it has one, else as core/costs/slot_program.h does. Where a stage's cost is given as a whole, F, I and W of a slot
// share the slot's duration.
std::vector<SlotComponent> slot_components(const Slot& slot, const StepCosts& costs);

// The stored program of `slot`, or null: its outputs leave when their chains end, not when the slot does.
const SlotProgram* overlap_program(const Slot& slot, const StepCosts& costs);

}  // namespace pipeloom
