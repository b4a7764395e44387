#include "core/lowering/slot_components.h"

namespace pipeloom {

namespace {

SlotProgram default_program(const Slot& slot, const StepCosts& costs) {
  const StageProgram& stage = costs.programs[slot.stage];
  switch (slot.kind) {
    case SlotKind::kF:
      return forward_program(stage);
    case SlotKind::kI:
      return input_program(stage);
    case SlotKind::kW:
      return weight_program(stage);
    case SlotKind::kB:
      return backward_program(stage);
    case SlotKind::kFB:
      break;
  }
  return figure4_program(stage, costs.programs[slot.backward_stage]);
}

}  // namespace

const SlotProgram* overlap_program(const Slot& slot, const StepCosts& costs) {
  const OverlapPrograms& overlap = costs.overlap;
  if (slot.kind == SlotKind::kFB && !overlap.of_pair.empty()) {
    return &overlap.programs[overlap.of_pair[slot.stage * costs.programs.size() + slot.backward_stage]];
  }
  if (slot.kind == SlotKind::kB && !overlap.of_backward.empty()) {
    return &overlap.programs[overlap.of_backward[slot.stage]];
  }
  return nullptr;
}

std::vector<SlotComponent> slot_components(const Slot& slot, const StepCosts& costs) {
  const SlotProgram* stored = overlap_program(slot, costs);
  std::vector<SlotComponent> components;
  for (const SlotStep& step : stored != nullptr ? *stored : default_program(slot, costs)) {
    const int stage = step.pass == SlotKind::kF ? slot.stage : slot.backward_pass_stage();
    components.push_back({costs.programs[stage][step.component], step.pass, step.duration_ns});
  }
  return components;
}

}  // namespace pipeloom
