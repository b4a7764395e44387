#pragma once

#include "core/base/result.h"
#include "core/schedule/schedule.h"
#include "planner/schedules/schedule_table.h"
#include "planner/schedules/shape.h"

namespace pipeloom::planner {

// Schedules that run W apart from I to fill bubbles. The first four place stage s on rank s, the others use a V. A
// schedule that decides by costs reads durations and link latencies of micro-batch class 0.

// W lags I by the rank's number. The order does not depend on costs. Takes any number of micro-batches.
Result<Schedule> zb1p(const PipelineShape& shape);
// Like zb1p, but a rank splits B only if that shortens the step: never on rank 0, nor between warm-up and drain.
Result<Schedule> zb_h1_quick(const PipelineShape& shape);
// Places W by the costs. A rank holds at most as much as 1F1B's first rank (`ranks` micro-batches), or
// inputs.memory_limit. REQUIRES (all functions below that take inputs): inputs.costs are for the placement's stages.
Result<Schedule> zb_h1(const PipelineShape& shape, const ScheduleInputs& inputs);
// Like zb_h1 with twice the memory.
Result<Schedule> zb_h2(const PipelineShape& shape, const ScheduleInputs& inputs);

// Places W by the costs on a V. A rank holds at most 2*ranks activations, or inputs.memory_limit. The method knows one
// cost and one size for all stages: it takes the mean durations, the longest latency and the largest size.
Result<Schedule> zb_v(const PipelineShape& shape, const ScheduleInputs& inputs);
// Uses a fixed order, which is free of bubbles only if F, I and W take equally long.
Result<Schedule> zb_v_pytorch(const PipelineShape& shape);
// Hold about half (v_half) and about a third (v_min) of 1F1B's activations. The orders do not depend on costs.
Result<Schedule> v_half(const PipelineShape& shape);
Result<Schedule> v_min(const PipelineShape& shape);

}  // namespace pipeloom::planner
