#pragma once

#include "core/base/result.h"
#include "core/schedule/schedule.h"
#include "planner/schedules/schedule_table.h"
#include "planner/schedules/shape.h"

namespace pipeloom::planner {

// Runs the heuristic of Qi et al., "Zero Bubble Pipeline Parallelism", ICLR 2024, section 3.1, as sail-sg's zb.py reads
// it. Passes are put one after the other by eight variants of a few rules, and the order with the shortest span is
// kept. If a stage runs ahead of the one before it in the warm-up, that code loses passes; ours holds the stage back. A
// rank never holds more than inputs.memory_limit or, if that is 0, `memory_factor` times what 1F1B's first rank would.
// O(ranks * micro_batches). REQUIRES: inputs.costs are for `shape.ranks` stages.
Result<Schedule> zero_bubble_heuristic(const PipelineShape& shape, const ScheduleInputs& inputs, int memory_factor);

}  // namespace pipeloom::planner
