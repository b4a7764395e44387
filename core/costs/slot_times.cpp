#include "core/costs/slot_times.h"

namespace pipeloom {

SlotTimes slot_times(const ScheduleCosts& costs, const Slot& slot) {
  if (slot.is_pair()) {
    const PairCost pair = costs.pair(slot.stage, slot.backward_stage, costs.class_of(slot.micro_batch),
                                     costs.class_of(slot.backward_micro_batch), slot.kind);
    return {pair.duration_ns,
            {pair.forward_need_ns, pair.backward_need_ns},
            {pair.forward_ready_ns, pair.backward_ready_ns}};
  }
  const StageCost& stage = costs.stage(slot.stage, costs.class_of(slot.micro_batch));
  switch (slot.kind) {
    case SlotKind::kF:
      return {stage.forward.duration_ns, {stage.forward.need_ns, 0}, {stage.forward.ready_ns, 0}};
    case SlotKind::kI:
      return {stage.input_backward.duration_ns, {0, stage.input_backward.need_ns}, {0, stage.input_backward.ready_ns}};
    case SlotKind::kB:
      return {stage.backward.duration_ns, {0, stage.backward.need_ns}, {0, stage.backward.ready_ns}};
    default:
      return {stage.weight_ns, {0, 0}, {0, 0}};
  }
}

}  // namespace pipeloom
