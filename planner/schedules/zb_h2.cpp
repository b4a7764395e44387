#include "planner/schedules/zero_bubble.h"
#include "planner/schedules/zero_bubble_heuristic.h"

namespace pipeloom {

Result<Schedule> zb_h2(const PipelineShape& shape, const ScheduleInputs& inputs) {
  return zero_bubble_heuristic(shape, inputs, 2);
}

}  // namespace pipeloom
