#pragma once

#include <cstdint>
#include <iosfwd>
#include <string_view>

#include "core/plan.h"
#include "core/result.h"
#include "planner/schedules/table.h"

namespace pipeloom {

void PrintTo(const NamedSchedule& row, std::ostream* out);

}  // namespace pipeloom

namespace pipeloom::tests {

// `job` with a named schedule, as the planner makes it; or why that can't run it.
Result<Plan> plan_with(const Job& job, std::string_view schedule);

// When the last task of a launched step ends if nothing but the plan holds tasks up.
int64_t makespan_ns(const Plan& plan);

}  // namespace pipeloom::tests
