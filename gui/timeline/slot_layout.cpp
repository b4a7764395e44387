#include "gui/timeline/slot_layout.h"

#include <algorithm>

namespace pipeloom {

namespace {

std::vector<OverlapPiece> overlap_of(const SlotLayout& layout) {
  std::vector<OverlapPiece> pieces;
  for (size_t i = 0; i < layout.communication.size(); ++i) {
    const ComponentTime& transfer = layout.communication[i];
    int64_t time_ns = transfer.begin_ns;
    const auto add = [&](bool hidden, int64_t until_ns) {
      if (until_ns > time_ns) pieces.push_back({i, hidden, time_ns, until_ns});
      time_ns = std::max(time_ns, until_ns);
    };
    for (const ComponentTime& compute : layout.compute) {
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
  int64_t lane_free_ns[2] = {0, 0};
  std::vector<int64_t> ends_ns;
  for (const SlotComponent& part : slot_components(slot, costs)) {
    const bool compute = part.cost.lane == Lane::kCompute;
    int64_t& free_ns = lane_free_ns[compute ? 0 : 1];
    const int64_t begin_ns = std::max(free_ns, part.after < 0 ? 0 : ends_ns[part.after]);
    free_ns = begin_ns + part.duration_ns;
    ends_ns.push_back(free_ns);
    (compute ? layout.compute : layout.communication).push_back({part, begin_ns, free_ns});
  }
  layout.overlap = overlap_of(layout);
  return layout;
}

}  // namespace pipeloom
