#pragma once

#include <vector>

#include "core/base/result.h"
#include "core/costs/costs.h"
#include "planner/schedules/schedule_table.h"
#include "planner/schedules/shape.h"

namespace pipeloom::planner {

// Checks of the zero-bubble schedules before they start.

Status check_micro_batches(const PipelineShape& shape);
// Also refuses a number of chunks other than two.
Status check_v_shape(const PipelineShape& shape);

// Returns one size per stage, with the default filled in. Refuses negative sizes and sizes whose sums could overflow.
Result<std::vector<ActivationSize>> activation_sizes(const ScheduleInputs& inputs, int stages);

// Refuses a limit below what one micro-batch holds on one stage.
Status check_memory_limit(int64_t limit, int64_t largest);

}  // namespace pipeloom::planner
