#pragma once

#include <cstdint>
#include <vector>

#include "core/schedule/slot.h"

namespace pipeloom::planner {

// Collects the orders of a schedule that is drawn on a grid of equal slots. Slots at one place of the grid are ordered
// by micro-batch; if every dependency points to a strictly earlier place, no order deadlocks.
class VirtualSlots {
 public:
  VirtualSlots(int ranks, size_t slots_per_rank);

  void put(int rank, int64_t at, const Slot& slot) { placed_[rank].push_back({at, slot}); }
  RankOrders orders() &&;

 private:
  struct Placed {
    int64_t at = 0;
    Slot slot;
  };
  std::vector<std::vector<Placed>> placed_;
};

}  // namespace pipeloom::planner
