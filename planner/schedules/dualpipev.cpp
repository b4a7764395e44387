#include <fmt/format.h>

#include "planner/schedules/dualpipe_steps.h"
#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"

namespace pipeloom::planner {

namespace {

// The reference demands 2P; its loop is complete from 2P-1 on.
Status check_micro_batches(const PipelineShape& shape) {
  const int least = 2 * shape.ranks - 1;
  if (shape.micro_batches >= least) return {};
  return unsupported(fmt::format("micro_batches is {}; DualPipeV on {} ranks needs at least {}", shape.micro_batches,
                                 shape.ranks, least));
}

}  // namespace

Result<Schedule> dualpipev(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, v_placement(shape));
  PIPELOOM_RETURN_IF_ERROR(check_micro_batches(shape));
  FlatOrders orders(4 * static_cast<size_t>(shape.ranks) * shape.micro_batches);
  for (int rank = 0; rank < shape.ranks; ++rank) {
    DualPipeRank steps;
    steps.micro_batches = shape.micro_batches;
    steps.half = shape.ranks;
    steps.position = rank;
    steps.phases[0] = {rank, 0};
    steps.phases[1] = {2 * shape.ranks - 1 - rank, 0};
    orders.push_back(dualpipe_order(steps));
  }
  return Schedule::create(std::move(placement), shape.micro_batches, std::move(orders));
}

}  // namespace pipeloom::planner
