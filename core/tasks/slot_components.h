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
  int32_t after = -1;  // index of the earlier component that this one waits for beyond its lane; -1: none
};

// Returns the components of `slot` in issue order, which each lane follows: the order of the slot's overlap program if
// it has one, else that of core/costs/slot_program.h. If a stage's cost is given as a whole, F, I and W of a slot share
// the slot's duration.
std::vector<SlotComponent> slot_components(const Slot& slot, const StepCosts& costs);

// Returns the stored program of `slot`, or null. With a program, an output leaves when its chain ends; without, when
// the slot ends.
const SlotProgram* overlap_program(const Slot& slot, const StepCosts& costs);

}  // namespace pipeloom
