#pragma once

#include "core/costs/component.h"
#include "core/schedule/slot.h"

namespace pipeloom {

// Returns the part of a component's cost that belongs to `pass`. REQUIRES: `pass` is F, I or W.
inline int64_t pass_duration_ns(const ComponentCost& cost, SlotKind pass) {
  return pass == SlotKind::kF ? cost.forward_ns : pass == SlotKind::kI ? cost.input_ns : cost.weight_ns;
}

}  // namespace pipeloom
