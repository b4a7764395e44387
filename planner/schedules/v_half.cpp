#include "planner/schedules/v_building_block.h"
#include "planner/schedules/zero_bubble.h"

namespace pipeloom::planner {

namespace {

VBlock block(int rank, int ranks) {
  const int extra = ranks % 2 == 0 ? 3 : 0;  // keeps the passes of a rank in different slots mod 6
  return {2 * rank, 3 * ranks - 2 - rank, 3 * ranks + extra + 2 * rank - 1, 6 * ranks + extra - 2 - rank};
}

}  // namespace

Result<Schedule> v_half(const PipelineShape& shape) {
  return schedule_from_block(shape, block);
}

}  // namespace pipeloom::planner
