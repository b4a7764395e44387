#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"
#include "planner/schedules/steady.h"

namespace pipeloom::planner {

// Warm-up: two forwards for each later rank, because a pair hands its forward down and its backward up only at its end;
// and one more, which keeps the passes of a pair independent.
Result<Schedule> one_f_one_b_overlap(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, linear_placement(shape));
  FlatOrders orders(2 * static_cast<size_t>(shape.ranks) * shape.micro_batches);
  for (int rank = 0; rank < shape.ranks; ++rank) {
    orders.push_back(overlapped_order(
        shape.micro_batches, 2 * (shape.ranks - 1 - rank) + 1, [=](int k) { return Slot::forward(rank, k); },
        [=](int k) { return Slot::backward(rank, k); }));
  }
  return Schedule::create(std::move(placement), shape.micro_batches, std::move(orders));
}

}  // namespace pipeloom::planner
