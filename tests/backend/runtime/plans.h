#pragma once

#include <string_view>

#include "core/plan.h"
#include "core/result.h"

namespace pipeloom::tests {

// `job` with a named schedule, as the planner makes it; or why that can't run it.
Result<Plan> plan_with(const Job& job, std::string_view schedule);

}  // namespace pipeloom::tests
