#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"

namespace pipeloom {

// Every micro-batch passes a chunk before the next chunk starts; backwards run in descending order of both.
Result<Schedule> looped_bfs(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, looped_placement(shape));
  const int chunks = placement.chunks_per_rank();
  RankOrders orders(shape.ranks);
  for (int rank = 0; rank < shape.ranks; ++rank) {
    std::vector<Slot>& order = orders[rank];
    order.reserve(2 * static_cast<size_t>(chunks) * shape.micro_batches);
    for (int chunk = 0; chunk < chunks; ++chunk) {
      for (int m = 0; m < shape.micro_batches; ++m) order.push_back(Slot::forward(chunk * shape.ranks + rank, m));
    }
    for (int chunk = chunks - 1; chunk >= 0; --chunk) {
      for (int m = shape.micro_batches - 1; m >= 0; --m) order.push_back(Slot::backward(chunk * shape.ranks + rank, m));
    }
  }
  return Schedule::create(std::move(placement), shape.micro_batches, orders);
}

}  // namespace pipeloom
