#pragma once

#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "core/schedule/schedule.h"
#include "core/tasks/task_graph.h"
#include "sim/engine/task_loads.h"

namespace pipeloom::sim {

// What the tasks of a lowered step take alone and ask of SMs, NICs and NVLink, so that an engine finds out what they
// cost together. `graph` is lower(schedule, costs). Jobs without a model have nothing to contend for.
//
// Inside overlapped pairs compute has the SMs that the split leaves; elsewhere all of them, but while a communication
// kernel is on its GPU. A gradient reduction slows compute as a combine kernel does (it reads, adds and writes as that
// does); sends and receives do not. A link carries what point-to-point transfers reach (nic_efficiency).
TaskLoads task_loads(const Job& job, const Schedule& schedule, const StepCosts& costs, const TaskGraph& graph);

}  // namespace pipeloom::sim
