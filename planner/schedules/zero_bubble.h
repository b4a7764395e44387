#pragma once

#include "core/base/result.h"
#include "core/schedule/schedule.h"
#include "planner/schedules/schedule_table.h"
#include "planner/schedules/shape.h"

namespace pipeloom::planner {

// The schedules that run W apart from I to fill bubbles. The first four place stage s on rank s, the others in a V.
// Where a schedule decides by costs it looks at durations and link latencies of micro-batch class 0.

// W lags I by the rank's number; the order does not depend on costs. Any number of micro-batches.
Result<Schedule> zb1p(const PipelineShape& shape);
// As zb1p, but a rank splits B only where the split shortens the step: never on rank 0, nor between warm-up and drain.
Result<Schedule> zb_h1_quick(const PipelineShape& shape);
// A rank holds at most as much as 1F1B's first rank (`ranks` micro-batches), or inputs.memory_limit.
// REQUIRES (as all below that take inputs): inputs.costs are for the placement's stages.
Result<Schedule> zb_h1(const PipelineShape& shape, const ScheduleInputs& inputs);
// As zb_h1 with twice the memory.
Result<Schedule> zb_h2(const PipelineShape& shape, const ScheduleInputs& inputs);

// A rank holds at most 2*ranks chunks, or inputs.memory_limit. The method knows one cost and one size for all stages:
// with different ones it takes the mean durations, the longest latency and the largest size.
Result<Schedule> zb_v(const PipelineShape& shape, const ScheduleInputs& inputs);
// A fixed order, free of bubbles only where F, I and W take equally long.
Result<Schedule> zb_v_pytorch(const PipelineShape& shape);
// About half, and about a third, of 1F1B's activations. The order does not depend on costs.
Result<Schedule> v_half(const PipelineShape& shape);
Result<Schedule> v_min(const PipelineShape& shape);

}  // namespace pipeloom::planner
