#include "planner/schedules/placements.h"
#include "planner/schedules/schedules.h"
namespace pipeloom {
Result<Schedule> hanayo(const PipelineShape& shape) {
  PIPELOOM_TRY(Placement placement, wave_placement(shape));
  return unsupported("todo");
}
}  // namespace pipeloom
