#include "gui/timeline/slot_layout.h"

#include <algorithm>

namespace pipeloom::gui {

namespace {

std::vector<OverlapPiece> overlap_of(const SlotLayout& layout) {
  std::vector<OverlapPiece> pieces;
  for (size_t i = 0; i < layout.communication.size(); ++i) {
    const ComponentInterval& transfer = layout.communication[i];
    int64_t time_ns = transfer.begin_ns;
    const auto add = [&](bool hidden, int64_t until_ns) {
      if (until_ns > time_ns) pieces.push_back({i, hidden, time_ns, until_ns});
      time_ns = std::max(time_ns, until_ns);
    };
    for (const ComponentInterval& compute : layout.compute) {
      if (compute.end_ns <= time_ns || compute.part.cost.component == Component::kWait) continue;
      if (compute.begin_ns >= transfer.end_ns) break;
      add(false, compute.begin_ns);
      add(true, std::min(compute.end_ns, transfer.end_ns));
    }
    add(false, transfer.end_ns);
  }
  return pieces;
}

}  // namespace

SlotLayout slot_layout(const Slot& slot, const StepCosts& costs) {
  SlotLayout layout;
  for (const ComponentInterval& interval : component_times(slot, costs)) {
    const bool compute = interval.part.cost.lane == Lane::kCompute;
    (compute ? layout.compute : layout.communication).push_back(interval);
  }
  layout.overlap = overlap_of(layout);
  return layout;
}

}  // namespace pipeloom::gui
