#include "tests/support/unit_time.h"

#include <algorithm>
#include <vector>

namespace pipeloom::tests {

namespace {

int64_t duration(const Slot& slot, const PassTimes& times) {
  switch (slot.kind) {
    case SlotKind::kF:
      return times.f;
    case SlotKind::kB:
      return times.b;
    case SlotKind::kI:
      return times.b - times.w;
    case SlotKind::kW:
      return times.w;
    case SlotKind::kFB:
      return times.f + times.b;
    case SlotKind::kFI:
      return times.f + times.b - times.w;
  }
  return 0;
}

}  // namespace

int64_t makespan(const Schedule& schedule, const PassTimes& times) {
  const size_t cells = static_cast<size_t>(schedule.stages()) * schedule.micro_batches();
  std::vector<int64_t> forward_end(cells, 0);
  std::vector<int64_t> backward_end(cells, 0);
  std::vector<int64_t> rank_end(schedule.ranks(), 0);
  for (const uint32_t number : schedule.topological_order()) {
    const Slot& slot = schedule.slots()[number];
    int64_t& end = rank_end[schedule.rank_of_slot(number)];
    if (slot.has_forward() && slot.stage > 0) {
      end = std::max(end, forward_end[schedule.cell(slot.stage - 1, slot.micro_batch)]);
    }
    if (slot.has_input_backward() && slot.backward_pass_stage() + 1 < schedule.stages()) {
      end =
          std::max(end, backward_end[schedule.cell(slot.backward_pass_stage() + 1, slot.backward_pass_micro_batch())]);
    }
    end += duration(slot, times);
    if (slot.has_forward()) forward_end[schedule.cell(slot.stage, slot.micro_batch)] = end;
    if (slot.has_input_backward()) {
      backward_end[schedule.cell(slot.backward_pass_stage(), slot.backward_pass_micro_batch())] = end;
    }
  }
  return *std::max_element(rank_end.begin(), rank_end.end());
}

int64_t peak_activations(const Schedule& schedule, int rank) {
  int64_t held = 0;
  int64_t peak = 0;
  for (const Slot& slot : schedule.slots_of(rank)) {
    held += slot.has_forward();
    peak = std::max(peak, held);
    held -= slot.has_weight_backward();
  }
  return peak;
}

}  // namespace pipeloom::tests
