#pragma once

#include <cstdint>
#include <string>

#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "core/schedule/schedule.h"

namespace pipeloom {

// What the planner promised when it wrote the plan.
struct PlanSummary {
  int64_t makespan_ns = 0;
  int64_t span_ns = 0;
  int64_t peak_bytes = 0;  // on the fullest rank; millionths of an activation if the job has no model

  bool operator==(const PlanSummary&) const = default;
};

// Who computes what, in which order, on how many SMs, talking to whom. The tasks are not stored: lowering is
// deterministic, and the digest says whether a reader lowers to the same tasks. Create through make_plan
// (core/tasks/lower.h).
struct Plan {
  Job job;
  std::string schedule_name;  // a named schedule, or the search's name for its result
  Schedule schedule;
  StepCosts costs;
  int comm_sms = 0;
  PlanSummary summary;
  int lowering_version = 0;
  uint64_t task_digest = 0;
};

}  // namespace pipeloom
