#pragma once

#include <cstdint>
#include <vector>

#include "core/tasks/slot_components.h"

namespace pipeloom {

// When a component of a slot runs. Times count from the slot's start.
struct ComponentInterval {
  SlotComponent part;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

// Returns when the slot's components run, in issue order: each lane runs its components in that order, and a component
// waits for the one named by `SlotComponent::after`.
std::vector<ComponentInterval> component_times(const Slot& slot, const StepCosts& costs);

}  // namespace pipeloom
