#include "planner/schedules/v_building_block.h"
#include "planner/schedules/zero_bubble.h"

namespace pipeloom::planner {

namespace {

VBlock block(int rank, int ranks) {
  const int extra = ranks % 3 == 0 ? 2 : 0;  // keeps the passes of a rank in different slots mod 6
  return {rank, 2 * ranks - 1 - rank, 2 * ranks + extra + rank, 4 * ranks + extra - 1 - rank};
}

}  // namespace

Result<Schedule> v_min(const PipelineShape& shape) {
  return schedule_from_block(shape, block);
}

}  // namespace pipeloom::planner
