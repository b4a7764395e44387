#pragma once

#include <string>

#include "core/base/result.h"
#include "core/tasks/plan.h"
#include "core/tasks/trace.h"
#include "planner/diff/diff.h"
#include "planner/interchange/measured_slots.h"

namespace pipeloom::planner {

// What happened when a plan was run, and how that differs from what was planned.
struct ExecutedTrace {
  Trace trace;
  PlanDiff diff;
};

// Reads a trace, or a profile whose ranges name the plan's slots and whose kernels count as `work` says. Fails where
// the file is of another plan.
Result<ExecutedTrace> open_executed_trace(const std::string& path, const Plan& plan, KernelWork work);

}  // namespace pipeloom::planner
