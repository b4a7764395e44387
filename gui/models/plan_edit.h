#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/overlap/split.h"
#include "planner/search/search.h"
#include "planner/subject/subject.h"
#include "sim/cost/overlap_costs.h"

namespace pipeloom::gui {

// What a person may change about a plan without editing its job's file.
struct PlanSettings {
  std::string schedule;
  int ranks = 1;          // of one pipeline
  int micro_batches = 1;  // of one pipeline in one step
  int chunks = 0;         // per rank; 0: the schedule's default
  int tensor = 1;
  int expert = 1;
  Precision precision = Precision::kBf16;
  Recompute recompute = Recompute::kNone;
  int64_t memory_limit_bytes = 0;  // 0: the GPU's
  int comm_sms = 0;                // 0: the job has no cluster

  bool operator==(const PlanSettings&) const = default;
};
PlanSettings settings_of(const planner::Subject& subject);
// The same job with these settings, planned anew. With a model the other replicas take what GPUs are left, and the
// batch grows or shrinks with the number of micro-batches. Pure.
Result<planner::Subject> with_settings(const planner::Subject& subject, const PlanSettings& settings);

// The subject with another split of the SMs: a named schedule is generated anew, any other order stays. `slot_order`:
// of the components inside overlapped pairs; DeepSeek-V3's takes a tenth of the time that searching one does.
Result<planner::Subject> with_comm_sms(const planner::Subject& subject, int comm_sms,
                                       const sim::SlotOrder& slot_order = sim::usual_order);
// Time per step against the SMs of communication. Empty where nothing overlaps.
std::vector<planner::SplitPoint> split_points(const planner::Subject& subject);

// Searches an order that is better than the subject's, on its placement and within its memory, until `limits` end it.
// The subject itself where there is none. `activation_cap`: of a job without a model, in millionths of an activation;
// 0: what the subject itself holds.
struct Improved {
  planner::Subject subject;
  int64_t bound_ns = 0;
  bool better = false;
};
Result<Improved> improved(const planner::Subject& subject, int64_t activation_cap, const planner::SearchLimits& limits);

}  // namespace pipeloom::gui
