#pragma once

#include "core/base/result.h"
#include "core/costs/costs.h"
#include "core/schedule/schedule.h"
#include "tests/support/vectors.h"

namespace pipeloom::tests {

// The reference's order on the placement that its schedule uses.
Result<Schedule> reference_schedule(const ReferenceOrder& reference);

// F=I=W=1, B=2, pair=3 units and a latency of `link_units`, for `schedule`.
ScheduleCosts unit_costs(const Schedule& schedule, double link_units = 0);

}  // namespace pipeloom::tests
