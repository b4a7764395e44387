#include "core/tasks/slot_components.h"

#include "core/base/units.h"
#include "core/costs/slot_times.h"

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
    case SlotKind::kFI:
      return forward_and_input_program(stage, costs.programs[slot.backward_stage]);
    case SlotKind::kFB:
      break;
  }
  return figure4_program(stage, costs.programs[slot.backward_stage]);
}

// True for a stage without a model, whose cost is given as a whole.
bool is_whole(const StageProgram& stage) {
  return stage.size() == 1 && stage.front().component == Component::kStage;
}

// Divides `duration_ns` among the components in proportion to their durations.
void share_duration(std::vector<SlotComponent>& components, int64_t duration_ns) {
  if (components.empty()) return;
  int64_t all_ns = 0;
  for (const SlotComponent& part : components) all_ns += part.duration_ns;
  if (all_ns == 0) {
    components.front().duration_ns = duration_ns;
    return;
  }
  int64_t passed_ns = 0;
  int64_t end_ns = 0;
  for (SlotComponent& part : components) {
    passed_ns += part.duration_ns;
    const int64_t begin_ns = end_ns;
    end_ns = static_cast<int64_t>(int128_t{duration_ns} * passed_ns / all_ns);
    part.duration_ns = end_ns - begin_ns;
  }
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
  const SlotProgram program = stored != nullptr ? *stored : default_program(slot, costs);
  const std::vector<int32_t> after = predecessors(program);
  std::vector<SlotComponent> components;
  components.reserve(program.size());
  for (size_t i = 0; i < program.size(); ++i) {
    const SlotStep& step = program[i];
    const int stage = slot.stage_of(direction_of(step.pass));
    components.push_back({costs.programs[stage][step.component], step.pass, step.duration_ns, after[i]});
  }
  if (is_whole(costs.programs[slot.stage]) && is_whole(costs.programs[slot.backward_pass_stage()])) {
    share_duration(components, slot_times(costs.schedule, slot).duration_ns);
  }
  return components;
}

}  // namespace pipeloom
