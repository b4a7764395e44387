#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/tasks/plan.h"
#include "core/tasks/trace.h"

namespace pipeloom::planner {

// Predicted and executed times of all tasks of one kind. Executed times leave out waits for other ranks.
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
  int64_t busy_ns = 0;                   // compute lane
  int64_t end_ns = 0;                    // when its last task ends
  int64_t exchange_ns = 0;               // all-to-all, its waits included
  int64_t overlapped_ns = 0;             // part of exchange_ns while the compute lane was busy
  int64_t average_wait_ns = 0;           // how long the optimizer waited for the moving average alone
  double overlap() const;                // overlapped share of the all-to-all; 0 if there is none
  double bubble(int64_t step_ns) const;  // idle share of the step
};

struct RankDiff {
  int replica = 0;
  int rank = 0;
  RankTimes predicted;
  RankTimes executed;
  std::vector<KindDiff> kinds;  // this rank's tasks alone
};

struct PlanDiff {
  std::vector<KindDiff> kinds;
  std::vector<RankDiff> ranks;  // for every replica in the trace
  int64_t predicted_step_ns = 0;
  int64_t executed_step_ns = 0;
  int64_t clock_error_ns = 0;  // as Trace::clock_error_ns
  int64_t missing = 0;         // planned tasks without an executed one, over all replicas in the trace
};

// Joins planned and executed tasks by key. Planned tasks have no contention beyond the plan's own. Fails if the trace
// is of another plan, or has a task that the plan does not have.
Result<PlanDiff> diff(const Plan& plan, const Trace& trace);

// Returns the median time of each component of each layer, without waits for other ranks. Layer -1 is the embedding,
// the model's layer count the head. Components that no trace has are left out.
std::vector<MeasuredLayer> measured_layers_of(const Plan& plan, const std::vector<Trace>& traces);

}  // namespace pipeloom::planner
