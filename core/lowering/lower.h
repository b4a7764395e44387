#pragma once

#include "core/plan.h"
#include "core/schedule.h"
#include "core/step_costs.h"
#include "core/task_graph.h"

namespace pipeloom {

// Raised with every change of what lower() makes of a plan: a reader of another version recomputes nothing, it refuses.
inline constexpr int kLoweringVersion = 3;

// Every component of every slot on every rank, sends and receives, gradient reductions and the optimizer, for one
// replica; the others are alike. Deterministic: same input, same tasks in the same order.
// Slots with an overlap program have its order and its contended times; the others' components have their times alone.
// With a `receive_depth` a send also waits for a buffer of its queue: until the slot that took the message so many
// before has ended. Transports see to that themselves, so the plan's tasks are those without. Batches of blocking P2P
// are not in the graph.
TaskGraph lower(const Schedule& schedule, const StepCosts& costs, int receive_depth = 0);

// A plan with its lowering version and digest. `summary` is what the caller's simulation says.
Plan make_plan(Job job, std::string schedule_name, Schedule schedule, StepCosts costs, int comm_sms,
               const PlanSummary& summary);

// Fails where this program does not lower the plan to the tasks that its writer saw.
Status check_digest(const Plan& plan);

}  // namespace pipeloom
