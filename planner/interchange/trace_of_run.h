#pragma once

#include "core/base/result.h"
#include "core/tasks/plan.h"
#include "core/tasks/profiled_run.h"
#include "core/tasks/trace.h"
#include "planner/interchange/measured_slots.h"

namespace pipeloom::planner {

// A profiled run as a trace of the plan. In each of its slots, kernels go to the components of their kind (compute; by
// their names dispatch and combine) in the plan's order, by the plan's shares of the time; a kernel is not divided.
// What they did not work counts as waiting: pauses of a stream, a notify kernel, and as `work` says what communication
// beside them cost. Of a slot without kernels every component takes its planned share. Times start at the first slot's
// begin. Where a slot is there several times, a run of several steps, the last counts. Fails where the run names no
// slots, or one that the plan does not have.
Result<Trace> trace_of_run(const Plan& plan, const ProfiledRun& run, KernelWork work);

// The kernels of a run without a plan, as tasks of one rank: on the compute and the ep lane, with the pass and slot of
// the range that holds them. Without any ranges all are kept, as forward passes.
struct KernelTrace {
  Trace trace;
  std::vector<uint32_t> names;  // [span]; of the run's
};
KernelTrace kernel_trace(const ProfiledRun& run);

}  // namespace pipeloom::planner
