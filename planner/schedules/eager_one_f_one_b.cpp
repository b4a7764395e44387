#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"
#include "planner/schedules/steady.h"

namespace pipeloom::planner {

// Doubles 1F1B's warm-up, so that a transfer in each direction hides behind the passes between: the first backward
// comes after 2(P-r)-1 forwards.
Result<Schedule> eager_one_f_one_b(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, linear_placement(shape));
  FlatOrders orders(2 * static_cast<size_t>(shape.ranks) * shape.micro_batches);
  for (int rank = 0; rank < shape.ranks; ++rank) {
    orders.push_back(one_f_one_b_order(
        shape.micro_batches, 2 * (shape.ranks - 1 - rank), [=](int k) { return Slot::forward(rank, k); },
        [=](int k) { return Slot::backward(rank, k); }));
  }
  return Schedule::create(std::move(placement), shape.micro_batches, std::move(orders));
}

}  // namespace pipeloom::planner
