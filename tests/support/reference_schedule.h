#pragma once

#include "core/base/result.h"
#include "core/costs/costs.h"
#include "core/schedule/schedule.h"
#include "tests/support/vectors.h"

namespace pipeloom::tests {

// Makes a schedule of the reference's order, on the placement that it was written for.
Result<Schedule> reference_schedule(const ReferenceOrder& reference);

// Makes costs for `schedule`, in units: F=I=W=1, B=2, pair=3, and a latency of `link_units`.
ScheduleCosts unit_costs(const Schedule& schedule, double link_units = 0);

}  // namespace pipeloom::tests
