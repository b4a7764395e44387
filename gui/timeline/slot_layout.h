#pragma once

#include <cstdint>
#include <vector>

#include "core/tasks/component_times.h"

namespace pipeloom::gui {

// A piece of a slot's communication beside compute (hidden), or alone.
struct OverlapPiece {
  size_t component = 0;
  bool hidden = false;
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

struct SlotLayout {
  std::vector<ComponentInterval> compute;
  std::vector<ComponentInterval> communication;
  std::vector<OverlapPiece> overlap;  // in order of time; components number `communication`
};

// The components of a slot by lane, from the slot's start.
SlotLayout slot_layout(const Slot& slot, const StepCosts& costs);

}  // namespace pipeloom::gui
