#pragma once

#include "core/base/result.h"
#include "core/tasks/plan.h"
#include "core/tasks/profiled_run.h"
#include "core/tasks/trace.h"
#include "planner/interchange/measured_slots.h"

namespace pipeloom::planner {

// Turns a profiled run into a trace of the plan. In each slot, kernels go to the components of their kind (compute;
// dispatch and combine by name) in the plan's order and by the plan's shares of the time; a kernel is never divided.
// Time in which they do not work counts as waiting: pauses of a stream, notify kernels, and, if `work` says so, what
// communication beside them cost. In a slot without kernels every component takes its planned share. Times start at the
// begin of the first slot. If a slot appears several times (a run of several steps), the last one counts. Fails if the
// run names no slots, or one that the plan does not have.
Result<Trace> trace_of_run(const Plan& plan, const ProfiledRun& run, KernelWork work);

// The kernels of a run without a plan, as tasks of one rank on the compute and ep lanes, with the pass and slot of the
// range that holds them. Without any ranges, all kernels are kept as forward passes.
struct KernelTrace {
  Trace trace;
  std::vector<uint32_t> names;  // [span] index into ProfiledRun::names
};
KernelTrace kernel_trace(const ProfiledRun& run);

}  // namespace pipeloom::planner
