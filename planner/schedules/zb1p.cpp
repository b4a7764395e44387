#include <algorithm>

#include "planner/schedules/zero_bubble.h"
#include "planner/schedules/zero_bubble_inputs.h"

namespace pipeloom::planner {

namespace {

std::vector<Slot> rank_order(int rank, const PipelineShape& shape) {
  const int micro_batches = shape.micro_batches;
  const int warm_up = std::min(shape.ranks - 1 - rank, micro_batches);
  std::vector<Slot> order;
  order.reserve(size_t{3} * micro_batches);
  for (int m = 0; m < warm_up; ++m) order.push_back(Slot::forward(rank, m));
  for (int m = 0; m < micro_batches; ++m) {
    if (warm_up + m < micro_batches) order.push_back(Slot::forward(rank, warm_up + m));
    order.push_back(Slot::input_backward(rank, m));
    if (m >= rank) order.push_back(Slot::weight_backward(rank, m - rank));
  }
  for (int m = std::max(micro_batches - rank, 0); m < micro_batches; ++m) {
    order.push_back(Slot::weight_backward(rank, m));
  }
  return order;
}

}  // namespace

// Follows Qi et al., "Zero Bubble Pipeline Parallelism", ICLR 2024, section 2.1 (called ZB-H1 there).
Result<Schedule> zb1p(const PipelineShape& shape) {
  PIPELOOM_RETURN_IF_ERROR(check_micro_batches(shape));
  PIPELOOM_TRY(Placement placement, Placement::linear(shape.ranks));
  RankOrders orders;
  for (int rank = 0; rank < shape.ranks; ++rank) orders.push_back(rank_order(rank, shape));
  return Schedule::create(std::move(placement), shape.micro_batches, orders);
}

}  // namespace pipeloom::planner
