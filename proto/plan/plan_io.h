#pragma once

#include <string>

#include "core/base/result.h"
#include "core/tasks/plan.h"

namespace pipeloom::proto {

// Replaces the file at `path`, or leaves it as it was.
Status write_plan(const std::string& path, const Plan& plan);

// A plan whose job, schedule and costs have passed all checks of their factories. Whether its tasks still are those of
// `task_digest` is for the lowering to say (core/lowering).
Result<Plan> read_plan(const std::string& path);

}  // namespace pipeloom::proto
