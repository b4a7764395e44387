#pragma once

#include "core/costs/costs.h"
#include "core/schedule/slot.h"

namespace pipeloom {

// Duration and offsets of one slot, whatever its kind. Passes that a slot does not have are 0.
struct SlotTimes {
  int64_t duration_ns = 0;
  int64_t need_ns[2] = {0, 0};   // [Direction]
  int64_t ready_ns[2] = {0, 0};  // [Direction]
};

SlotTimes slot_times(const ScheduleCosts& costs, const Slot& slot);

}  // namespace pipeloom
