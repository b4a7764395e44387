#pragma once

#include <cstdint>
#include <vector>

#include "core/costs/component.h"
#include "core/schedule/slot.h"

namespace pipeloom {

// One component of a slot. `component` indexes the program of F's stage (pass F) or of the backward's stage (I, W).
struct SlotStep {
  SlotKind pass = SlotKind::kF;  // F, I or W
  uint16_t component = 0;
  int64_t duration_ns = 0;

  bool operator==(const SlotStep&) const = default;
};

// The components of one kind of slot in issue order: each lane runs its components in this order. F's steps form a
// chain, and so do I's; a W waits for its I.
using SlotProgram = std::vector<SlotStep>;

// Returns for each step the earlier step that it waits for beyond its lane; -1: none.
std::vector<int32_t> predecessors(const SlotProgram& program);

// Programs in which every component takes the time that it takes alone. In B every W follows its I, so that it runs
// beside the next all-to-all. Components without weights have no W.
SlotProgram forward_program(const StageProgram& stage);
SlotProgram input_program(const StageProgram& stage);
SlotProgram weight_program(const StageProgram& stage);
SlotProgram backward_program(const StageProgram& stage);

// Overlaps F of one stage with B of another in the order of DeepSeek-V3 (arXiv 2412.19437, Figure 4), layer by layer:
// combine(B); attention(F), dispatch(F); MLP(I), MLP(W), dispatch(B); MLP(F), combine(F); attention(I), attention(W).
SlotProgram figure4_program(const StageProgram& forward, const StageProgram& backward);
// Runs F, then I of another stage. The W's of that stage are not in the slot.
SlotProgram forward_and_input_program(const StageProgram& forward, const StageProgram& backward);

}  // namespace pipeloom
