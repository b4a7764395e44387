#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"

namespace pipeloom::planner {

namespace {

std::vector<Slot> order_of(int rank, int chunks, const PipelineShape& shape) {
  std::vector<Slot> order;
  order.reserve(2 * static_cast<size_t>(chunks) * shape.micro_batches);
  for (int chunk = 0; chunk < chunks; ++chunk) {
    for (int m = 0; m < shape.micro_batches; ++m) order.push_back(Slot::forward(chunk * shape.ranks + rank, m));
  }
  for (int chunk = chunks - 1; chunk >= 0; --chunk) {
    for (int m = shape.micro_batches - 1; m >= 0; --m) order.push_back(Slot::backward(chunk * shape.ranks + rank, m));
  }
  return order;
}

}  // namespace

// Sends every micro-batch through a chunk before the next chunk starts. Backwards run in descending order of both.
Result<Schedule> looped_bfs(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, looped_placement(shape));
  FlatOrders orders(2 * static_cast<size_t>(placement.stages()) * shape.micro_batches);
  for (int rank = 0; rank < shape.ranks; ++rank) {
    orders.push_back(order_of(rank, placement.chunks_per_rank(), shape));
  }
  return Schedule::create(std::move(placement), shape.micro_batches, std::move(orders));
}

}  // namespace pipeloom::planner
