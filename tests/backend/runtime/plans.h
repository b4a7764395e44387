#pragma once

#include <iosfwd>
#include <string_view>

#include "core/base/result.h"
#include "core/tasks/plan.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::backend {

void PrintTo(const planner::NamedSchedule& row, std::ostream* out);

}  // namespace pipeloom::backend

namespace pipeloom::tests {

// `job` with a named schedule, as the planner makes it; or why that can't run it.
Result<Plan> plan_with(const Job& job, std::string_view schedule);

}  // namespace pipeloom::tests
