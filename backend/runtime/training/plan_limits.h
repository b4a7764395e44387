#pragma once

#include "backend/transport/message_limits.h"
#include "core/tasks/plan.h"
#include "core/tasks/task_graph.h"

namespace pipeloom::backend {

// The most bytes that a message of each channel has in any run of the plan: what a process may announce over TCP.
// `graph`: lower(plan). `trains`: false for a paced run, whose messages between stages are empty.
// REQUIRES: check_trainable(plan.job) if it trains.
MessageLimits plan_limits(const Plan& plan, const TaskGraph& graph, bool trains);

}  // namespace pipeloom::backend
