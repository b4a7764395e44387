#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/job.h"
#include "core/tasks/plan.h"
#include "core/tasks/profiled_run.h"

namespace pipeloom::planner {

// Each opens a file as what it is named after and refuses another kind. Errors name the file.

// Fails also where the job names a schedule that is not known.
Result<Job> open_job(const std::string& path);
// Fails also where this program does not lower the plan to the tasks that its writer saw.
Result<Plan> open_plan(const std::string& path);
// A run with kernels, which can be looked at without a plan.
Result<ProfiledRun> open_profile(const std::string& path);

}  // namespace pipeloom::planner
