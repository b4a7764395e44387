#pragma once

#include <cstdint>
#include <vector>

#include "core/tasks/slot_components.h"

namespace pipeloom {

// When a component of a slot runs, from the slot's start.
struct ComponentInterval {
  SlotComponent part;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

// As the lowering says: each lane runs its components in issue order, and each waits for the one that it follows. In
// issue order.
std::vector<ComponentInterval> component_times(const Slot& slot, const StepCosts& costs);

}  // namespace pipeloom
