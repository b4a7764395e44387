#pragma once

#include <vector>

#include "core/base/result.h"
#include "core/costs/costs.h"
#include "planner/schedules/schedule_table.h"
#include "planner/schedules/shape.h"

namespace pipeloom::planner {

// What the zero-bubble schedules check before they start.

Status check_micro_batches(const PipelineShape& shape);
// Also refuses any other number of chunks than two.
Status check_v_shape(const PipelineShape& shape);

// One size for each of `stages`, the default filled in; refuses negative sizes and those whose sums could overflow.
Result<std::vector<ActivationSize>> activation_sizes(const ScheduleInputs& inputs, int stages);

// Refuses a limit below what one micro-batch holds on one stage.
Status check_memory_limit(int64_t limit, int64_t largest);

}  // namespace pipeloom::planner
