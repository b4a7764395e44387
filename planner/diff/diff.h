#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/tasks/plan.h"
#include "core/tasks/trace.h"

namespace pipeloom::planner {

// Predicted and executed times of all tasks of one kind. Executed ones without what the tasks waited for other ranks.
struct KindDiff {
  std::string kind;  // "attention F", "send", "optimizer"
  int64_t tasks = 0;
  int64_t predicted_median_ns = 0;
  int64_t predicted_p95_ns = 0;
  int64_t executed_median_ns = 0;
  int64_t executed_p95_ns = 0;
};

// What a rank did in a step.
struct RankTimes {
  int64_t busy_ns = 0;                   // of its compute lane
  int64_t end_ns = 0;                    // of its last task
  int64_t exchange_ns = 0;               // all-to-all, its waits included
  int64_t overlapped_ns = 0;             // of that, while the compute lane was busy
  int64_t average_wait_ns = 0;           // the optimizer, for nothing any more but the moving average
  double overlap() const;                // share of the all-to-all; 0 where there is none
  double bubble(int64_t step_ns) const;  // idle share of the step
};

struct RankDiff {
  int replica = 0;
  int rank = 0;
  RankTimes predicted;
  RankTimes executed;
  std::vector<KindDiff> kinds;  // of this rank's tasks alone
};

struct PlanDiff {
  std::vector<KindDiff> kinds;
  std::vector<RankDiff> ranks;  // of every replica in the trace
  int64_t predicted_step_ns = 0;
  int64_t executed_step_ns = 0;
  int64_t clock_error_ns = 0;  // as Trace::clock_error_ns
  int64_t missing = 0;         // planned tasks that a replica of the trace does not have
};

// Joins what the plan's tasks should take (without contention beyond the plan's own) with what they took, by task key.
// Errors: the trace is of another plan; it has a task that the plan has not.
Result<PlanDiff> diff(const Plan& plan, const Trace& trace);

// What the components of the layers took: medians, waits for other ranks left out. Layer -1 is the embedding, the
// model's layer count the head. What the traces have not is left out.
std::vector<MeasuredLayer> measured_layers_of(const Plan& plan, const std::vector<Trace>& traces);

}  // namespace pipeloom::planner
