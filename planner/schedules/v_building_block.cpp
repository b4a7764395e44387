#include "planner/schedules/v_building_block.h"

#include "planner/schedules/v_reorder.h"
#include "planner/schedules/zero_bubble_inputs.h"

namespace pipeloom::planner {

namespace {

SlotKind kind_of(VPass pass) {
  if (is_weight(pass)) return SlotKind::kW;
  return is_input(pass) ? SlotKind::kI : SlotKind::kF;
}

int stage_of(VPass pass, int rank, int ranks) {
  const bool is_first_stage = pass == VPass::kForwardDown || pass == VPass::kInputUp || pass == VPass::kWeightUp;
  return is_first_stage ? rank : 2 * ranks - 1 - rank;
}

RankOrders orders_of(const VGrid& grid) {
  RankOrders orders(grid.ranks());
  for (int rank = 0; rank < grid.ranks(); ++rank) {
    for (const VCell cell : grid.rows[rank]) {
      if (cell.pass == VPass::kNone) continue;
      orders[rank].push_back(Slot::pass(kind_of(cell.pass), stage_of(cell.pass, rank, grid.ranks()), cell.micro_batch));
    }
  }
  return orders;
}

}  // namespace

Result<Schedule> schedule_from_block(const PipelineShape& shape, VBlock (*block)(int rank, int ranks)) {
  PIPELOOM_RETURN_IF_ERROR(check_v_shape(shape));
  PIPELOOM_TRY(Placement placement, Placement::v(shape.ranks));
  std::vector<VBlock> block_of_rank;
  for (int rank = 0; rank < shape.ranks; ++rank) block_of_rank.push_back(block(rank, shape.ranks));
  VGrid grid = repeat_block(block_of_rank, shape.micro_batches);
  put_weights(grid, WeightLine::kBothWays);
  reorder(grid);
  squeeze(grid);
  remove_weights(grid);
  reorder(grid);
  put_weights(grid, WeightLine::kBothWays);
  squeeze(grid);
  remove_weights(grid);
  put_weights(grid, WeightLine::kByWay);
  return Schedule::create(std::move(placement), shape.micro_batches, orders_of(grid));
}

}  // namespace pipeloom::planner
