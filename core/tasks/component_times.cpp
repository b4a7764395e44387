#include "core/tasks/component_times.h"

#include <algorithm>

namespace pipeloom {

std::vector<ComponentInterval> component_times(const Slot& slot, const StepCosts& costs) {
  std::vector<ComponentInterval> times;
  int64_t lane_free_ns[2] = {0, 0};
  for (SlotComponent& part : slot_components(slot, costs)) {
    int64_t& free_ns = lane_free_ns[part.cost.lane == Lane::kCompute ? 0 : 1];
    const int64_t begin_ns = std::max(free_ns, part.after < 0 ? 0 : times[part.after].end_ns);
    free_ns = begin_ns + part.duration_ns;
    times.push_back({part, begin_ns, free_ns});
  }
  return times;
}

}  // namespace pipeloom
