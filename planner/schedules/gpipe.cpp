#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"
#include "planner/schedules/steady.h"

namespace pipeloom::planner {

// Backwards run in ascending order too, as in PyTorch: with every forward in the warm-up, 1F1B is GPipe.
Result<Schedule> gpipe(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, linear_placement(shape));
  FlatOrders orders(2 * static_cast<size_t>(shape.ranks) * shape.micro_batches);
  for (int rank = 0; rank < shape.ranks; ++rank) {
    orders.push_back(one_f_one_b_order(
        shape.micro_batches, shape.micro_batches, [=](int k) { return Slot::forward(rank, k); },
        [=](int k) { return Slot::backward(rank, k); }));
  }
  return Schedule::create(std::move(placement), shape.micro_batches, std::move(orders));
}

}  // namespace pipeloom::planner
