#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/plan.h"
#include "core/result.h"
#include "core/trace.h"

namespace pipeloom {

// Predicted and executed times of all tasks of one kind.
struct KindDiff {
  std::string kind;  // "attention F", "send", "optimizer"
  int64_t tasks = 0;
  int64_t predicted_median_ns = 0;
  int64_t executed_median_ns = 0;
  int64_t executed_p95_ns = 0;
};

// What the compute lane of a rank did until its last task ended.
struct RankDiff {
  int64_t predicted_busy_ns = 0;
  int64_t executed_busy_ns = 0;
  int64_t predicted_end_ns = 0;
  int64_t executed_end_ns = 0;
};

struct PlanDiff {
  std::vector<KindDiff> kinds;
  std::vector<RankDiff> ranks;
  int64_t predicted_step_ns = 0;
  int64_t executed_step_ns = 0;
  int64_t missing = 0;  // planned tasks that the trace does not have
};

// Joins what the plan's tasks should take (without contention beyond the plan's own) with what they took, by task key.
// Errors: the trace is of another plan; it has a task that the plan has not.
Result<PlanDiff> diff(const Plan& plan, const Trace& trace);

// What a layer's passes took, summed over its components' medians: compute and all-to-all. Layer -1 is the embedding,
// the model's layer count the head. Layers that the trace has not are left out.
std::vector<MeasuredLayer> measured_layers_of(const Plan& plan, const std::vector<Trace>& traces);

}  // namespace pipeloom
