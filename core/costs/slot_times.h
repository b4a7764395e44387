#pragma once

#include "core/costs/costs.h"
#include "core/schedule/slot.h"

namespace pipeloom {

// Duration and offsets of one slot of any kind. Directions that the slot does not hand over have offset 0.
struct SlotTimes {
  int64_t duration_ns = 0;
  int64_t need_ns[2] = {0, 0};   // [Direction]
  int64_t ready_ns[2] = {0, 0};  // [Direction]
};

SlotTimes slot_times(const ScheduleCosts& costs, const Slot& slot);

}  // namespace pipeloom
