#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "planner/schedules/dualpipe_steps.h"
#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"

namespace pipeloom::planner {

namespace {

// The reference demands 2P; its loop is complete from 2P-2 on.
Status check_micro_batches(const PipelineShape& shape) {
  const int least = 2 * shape.ranks - 2;
  if (shape.micro_batches >= least && shape.micro_batches % 2 == 0) return {};
  return unsupported(fmt::format("micro_batches is {}; DualPipe on {} ranks needs an even number of at least {}",
                                 shape.micro_batches, shape.ranks, least));
}

DualPipeRank dualpipe_rank(const PipelineShape& shape, int rank) {
  const int mirrored = shape.ranks - 1 - rank;
  DualPipeRank steps;
  steps.micro_batches = shape.micro_batches / 2;
  steps.half = shape.ranks / 2;
  steps.position = std::min(rank, mirrored);
  steps.sends_warm_up_at_once = steps.is_turn();
  steps.phases[0] = {rank, 0};
  steps.phases[1] = {mirrored, steps.micro_batches};
  if (rank > mirrored) std::swap(steps.phases[0], steps.phases[1]);
  return steps;
}

}  // namespace

Result<Schedule> dualpipe(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, dualpipe_placement(shape));
  PIPELOOM_RETURN_IF_ERROR(check_micro_batches(shape));
  std::vector<uint16_t> pipe_of_micro_batch(shape.micro_batches, 0);
  std::fill(pipe_of_micro_batch.begin() + shape.micro_batches / 2, pipe_of_micro_batch.end(), uint16_t{1});
  FlatOrders orders(2 * static_cast<size_t>(shape.ranks) * shape.micro_batches);
  for (int rank = 0; rank < shape.ranks; ++rank) orders.push_back(dualpipe_order(dualpipe_rank(shape, rank)));
  return Schedule::create(std::move(placement), std::move(pipe_of_micro_batch), std::move(orders));
}

}  // namespace pipeloom::planner
