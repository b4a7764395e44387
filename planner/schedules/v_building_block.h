#pragma once

#include "core/base/result.h"
#include "core/schedule/schedule.h"
#include "planner/schedules/shape.h"
#include "planner/schedules/v_grid.h"

namespace pipeloom::planner {

// Makes a schedule of a building block (Qi et al., "Pipeline Parallelism with Controllable Memory", NeurIPS 2024):
// repeats the block, squeezes it, and moves passes into the gaps without holding more, as greedily as sail-sg's
// zbv_greedy.py. REQUIRES: `block` puts no two passes of a rank into the same slot mod 6.
Result<Schedule> schedule_from_block(const PipelineShape& shape, VBlock (*block)(int rank, int ranks));

}  // namespace pipeloom::planner
