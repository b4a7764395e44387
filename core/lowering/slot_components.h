#pragma once

#include <span>
#include <vector>

#include "core/component.h"
#include "core/slot.h"

namespace pipeloom {

// One component of a slot, in the order in which it is issued.
struct SlotComponent {
  ComponentCost cost;
  SlotKind pass = SlotKind::kF;  // F, I or W
  int64_t duration_ns = 0;
};

// The components of `slot` in issue order; each lane runs its own in this order. F runs the program forward, I
// backward; in B each W follows its I. A pair interleaves both, layer by layer, in the order of DeepSeek-V3 (arXiv
// 2412.19437, Figure 4): combine(B) | attention(F) dispatch(F) | MLP(I) MLP(W) dispatch(B) | MLP(F) combine(F) |
// attention(I) attention(W). Components without weights have no W. `programs` is [stage].
std::vector<SlotComponent> slot_components(const Slot& slot, std::span<const StageProgram> programs);

}  // namespace pipeloom
