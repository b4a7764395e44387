#pragma once

#include <cstdint>
#include <vector>

#include "core/schedule/slot.h"

namespace pipeloom::planner {

// Orders of schedules that are drawn on a grid of equal slots. Where every dependency points to a strictly earlier
// slot, any order inside one slot is free of deadlock; it is by micro-batch.
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
