#include <algorithm>

#include "planner/schedules/interleaving.h"
#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"

namespace pipeloom::planner {

namespace {

// Lets W lag I by `rank` steps, so that W's fill the drain of the ranks that would idle longest.
std::vector<Slot> order_of(int rank, int warm_up, const Interleaving& visits) {
  const int count = visits.count();
  std::vector<Slot> order;
  order.reserve(3 * static_cast<size_t>(count));
  const auto push_w = [&](int k) {
    const Slot b = visits.backward(rank, k);
    order.push_back(Slot::weight_backward(b.stage, b.micro_batch));
  };
  for (int k = 0; k < warm_up; ++k) order.push_back(visits.forward(rank, k));
  for (int k = 0; k < count; ++k) {
    if (warm_up + k < count) order.push_back(visits.forward(rank, warm_up + k));
    const Slot b = visits.backward(rank, k);
    order.push_back(Slot::input_backward(b.stage, b.micro_batch));
    if (k >= rank) push_w(k - rank);
  }
  for (int k = std::max(0, count - rank); k < count; ++k) push_w(k);
  return order;
}

}  // namespace

Result<Schedule> interleaved_zb(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, looped_placement(shape));
  const int chunks = placement.chunks_per_rank();
  PIPELOOM_TRY(const Interleaving visits, Interleaving::create(shape, chunks));
  FlatOrders orders(3 * static_cast<size_t>(shape.ranks) * visits.count());
  for (int rank = 0; rank < shape.ranks; ++rank) {
    const int warm_up = (chunks - 1) * visits.group() + shape.ranks - 1 - rank;
    orders.push_back(order_of(rank, std::min(warm_up, visits.count()), visits));
  }
  return Schedule::create(std::move(placement), shape.micro_batches, std::move(orders));
}

}  // namespace pipeloom::planner
