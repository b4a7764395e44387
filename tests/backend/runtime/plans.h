#pragma once

#include <iosfwd>
#include <string_view>

#include "core/base/result.h"
#include "core/tasks/plan.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::planner {

void PrintTo(const NamedSchedule& row, std::ostream* out);

}  // namespace pipeloom::planner

namespace pipeloom::tests {

// `job` with a named schedule, as the planner makes it; or why that can't run it.
Result<Plan> plan_with(const Job& job, std::string_view schedule);

}  // namespace pipeloom::tests
