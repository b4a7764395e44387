#pragma once

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

}  // namespace pipeloom::tests
