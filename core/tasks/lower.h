#pragma once

#include "core/costs/step_costs.h"
#include "core/schedule/schedule.h"
#include "core/tasks/plan.h"
#include "core/tasks/task_graph.h"

namespace pipeloom {

// Raised whenever lower() makes other tasks of a plan. A reader refuses plans of another version.
inline constexpr int kLoweringVersion = 4;

// What a job says about a step beyond its order and costs.
struct StepRules {
  P2pMode p2p = P2pMode::kAsync;
  Clipping clipping = Clipping::kNone;
  // Buffers per queue with asynchronous P2P; 0: unlimited. A send waits for the slot that takes the message
  // `receive_depth` before it. step_rules() leaves this at 0: transports limit buffers themselves, so a plan's tasks
  // have no such waits.
  int receive_depth = 0;
};
StepRules step_rules(const Job& job);

// Expands a schedule to its tasks: every component of every slot, sends, receives, gradient reductions, norms and
// optimizers, for one of the equal replicas. Deterministic: same input, same tasks in the same order. Slots with an
// overlap program take its order and contended times; other components take the times that they take alone. With
// blocking P2P a transfer begins when both ranks have committed its batch, and the next slot of both ranks waits for it
// (core/schedule/batches.h).
TaskGraph lower(const Schedule& schedule, const StepCosts& costs, const StepRules& rules = {});
TaskGraph lower(const Plan& plan);

// Makes a plan with its lowering version and digest. `summary` is what the caller's simulation says.
Plan make_plan(Job job, std::string schedule_name, Schedule schedule, StepCosts costs, int comm_sms,
               const PlanSummary& summary);

// Fails if this program does not lower the plan to the tasks that its writer saw.
Status check_digest(const Plan& plan);

}  // namespace pipeloom
