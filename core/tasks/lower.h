#pragma once

#include "core/costs/step_costs.h"
#include "core/schedule/schedule.h"
#include "core/tasks/plan.h"
#include "core/tasks/task_graph.h"

namespace pipeloom {

// Raised with every change of what lower() makes of a plan: a reader of another version recomputes nothing, it refuses.
inline constexpr int kLoweringVersion = 4;

// What a job says of a step beyond its order and costs.
struct StepRules {
  P2pMode p2p = P2pMode::kAsync;
  Clipping clipping = Clipping::kNone;
  // With asynchronous P2P a send waits for a buffer of its queue: until the slot that took the message so many before
  // has ended; 0: it doesn't. Not of step_rules(): transports see to it themselves, so a plan's tasks are those
  // without.
  int receive_depth = 0;
};
StepRules step_rules(const Job& job);

// Every component of every slot on every rank, sends and receives, gradient reductions, norms and the optimizer, for
// one replica; the others are alike. Deterministic: same input, same tasks in the same order.
// Slots with an overlap program have its order and its contended times; the others' components have their times alone.
// With blocking P2P a transfer begins when both ranks have committed its batch, and the next slot of both waits for it
// (core/schedule/batches.h).
TaskGraph lower(const Schedule& schedule, const StepCosts& costs, const StepRules& rules = {});
TaskGraph lower(const Plan& plan);

// A plan with its lowering version and digest. `summary` is what the caller's simulation says.
Plan make_plan(Job job, std::string schedule_name, Schedule schedule, StepCosts costs, int comm_sms,
               const PlanSummary& summary);

// Fails where this program does not lower the plan to the tasks that its writer saw.
Status check_digest(const Plan& plan);

}  // namespace pipeloom
