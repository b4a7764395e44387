#pragma once

#include <vector>

#include "core/job/job.h"
#include "planner/evaluate/evaluate.h"
#include "planner/schedules/schedule_table.h"
#include "sim/cost/overlap_costs.h"

namespace pipeloom::planner {

// The searched order of a pair's components (slot_order_search), for step_costs and evaluate.
SlotProgram searched_order(const sim::OverlapStage& forward, const sim::OverlapStage& backward);

// One way to divide the SMs, with the best size of pieces for it.
struct SplitPoint {
  int comm_sms = 0;
  int piece_tokens = 0;
  int64_t step_ns = 0;     // with DeepSeek-V3's order inside pairs
  int64_t hidden_ns = 0;   // of one pair's all-to-all, of the pair that runs most
  int64_t exposed_ns = 0;  // the rest of it
  bool fits = true;        // the memory
};

// The curve over all splits in `candidates`; a split that can't be evaluated is left out.
std::vector<SplitPoint> split_curve(const Job& job, const NamedSchedule& named, const std::vector<int>& candidates);

// Splits worth looking at: 4 to 40 SMs, as far as the GPU has a few more than that.
std::vector<int> candidate_splits(const Cluster& cluster);

// The job with the split of the shortest step, of those that fit the memory if any do; of equal ones the job's own,
// then the smallest. Unchanged where there is no all-to-all. Pure.
Job with_best_split(const Job& job, const std::vector<SplitPoint>& curve);

}  // namespace pipeloom::planner
