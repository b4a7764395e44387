#include "planner/schedules/virtual_slots.h"

#include <algorithm>
#include <tuple>

namespace pipeloom::planner {

VirtualSlots::VirtualSlots(int ranks, size_t slots_per_rank) : placed_(ranks) {
  for (auto& placed : placed_) placed.reserve(slots_per_rank);
}

RankOrders VirtualSlots::orders() && {
  RankOrders orders(placed_.size());
  for (size_t rank = 0; rank < placed_.size(); ++rank) {
    auto& placed = placed_[rank];
    std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
      return std::tie(a.at, a.slot.micro_batch) < std::tie(b.at, b.slot.micro_batch);
    });
    orders[rank].reserve(placed.size());
    for (const Placed& entry : placed) orders[rank].push_back(entry.slot);
  }
  return orders;
}

}  // namespace pipeloom::planner
