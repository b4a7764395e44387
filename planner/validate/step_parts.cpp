#include "planner/validate/step_parts.h"

namespace pipeloom::planner {

StepParts step_parts(const Evaluation& evaluation) {
  const Schedule& schedule = evaluation.schedule;
  const Timeline& timeline = evaluation.timeline;
  StepParts sum;
  for (uint32_t number = 0; number < schedule.slots().size(); ++number) {
    const Slot& slot = schedule.slots()[number];
    const int64_t lasted_ns = timeline.end_ns[number] - timeline.start_ns[number];
    switch (slot.kind) {
      case SlotKind::kF:
        sum.forward_ns += lasted_ns;
        break;
      case SlotKind::kI:
        sum.input_ns += lasted_ns;
        break;
      case SlotKind::kW:
        sum.weight_ns += lasted_ns;
        break;
      case SlotKind::kFB:
      case SlotKind::kFI:
        sum.pairs_ns += lasted_ns;
        break;
      case SlotKind::kB: {
        const int cost_class = evaluation.costs.schedule.class_of(slot.micro_batch);
        const int64_t weight_ns = evaluation.costs.schedule.stage(slot.stage, cost_class).weight_ns;
        sum.input_ns += lasted_ns - weight_ns;
        sum.weight_ns += weight_ns;
        break;
      }
    }
  }
  const int64_t ranks = schedule.ranks();
  const int64_t busy_ns = sum.forward_ns + sum.input_ns + sum.weight_ns + sum.pairs_ns;
  sum.bubble_ns = ranks * evaluation.bubble.makespan_ns - busy_ns;
  for (int64_t* part : {&sum.forward_ns, &sum.input_ns, &sum.weight_ns, &sum.pairs_ns, &sum.bubble_ns}) *part /= ranks;
  sum.optimizer_ns = evaluation.end.step_ns - evaluation.bubble.makespan_ns;
  return sum;
}

}  // namespace pipeloom::planner
