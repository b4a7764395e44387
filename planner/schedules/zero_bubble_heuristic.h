#pragma once

#include "core/base/result.h"
#include "core/schedule/schedule.h"
#include "planner/schedules/schedule_table.h"
#include "planner/schedules/shape.h"

namespace pipeloom::planner {

// The heuristic of Qi et al., "Zero Bubble Pipeline Parallelism", ICLR 2024, section 3.1, as sail-sg's zb.py reads it:
// passes are put one after the other by eight variants of a few rules, and the order with the shortest span is kept.
// Where that code loses passes (a stage runs ahead of the one before it in the warm-up) ours holds the stage back. A
// rank never holds more than inputs.memory_limit or, where there is none, `memory_factor` times what 1F1B's first rank
// would. O(ranks * micro_batches). REQUIRES: inputs.costs are for `shape.ranks` stages.
Result<Schedule> zero_bubble_heuristic(const PipelineShape& shape, const ScheduleInputs& inputs, int memory_factor);

}  // namespace pipeloom::planner
