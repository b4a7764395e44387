#pragma once

#include <cstdint>
#include <vector>

#include "core/lowering/slot_components.h"

namespace pipeloom {

// When the components of a slot run, from its start, on its two lanes.
struct ComponentTime {
  SlotComponent part;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

// A piece of a slot's communication beside compute (hidden), or alone.
struct OverlapPiece {
  size_t component = 0;
  bool hidden = false;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

struct SlotLayout {
  std::vector<ComponentTime> compute;
  std::vector<ComponentTime> communication;
  std::vector<OverlapPiece> overlap;  // in order of time; components number `communication`
};

// As the lowering says: each lane runs its components in issue order; F's are a chain, and so are I's; a W follows its
// I.
SlotLayout slot_layout(const Slot& slot, const StepCosts& costs);

}  // namespace pipeloom
