#include "planner/schedules/zero_bubble.h"
#include "planner/schedules/zero_bubble_heuristic.h"

namespace pipeloom::planner {

Result<Schedule> zb_h2(const PipelineShape& shape, const ScheduleInputs& inputs) {
  return zero_bubble_heuristic(shape, inputs, 2);
}

}  // namespace pipeloom::planner
