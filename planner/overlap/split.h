#pragma once

#include <vector>

#include "core/job/job.h"
#include "planner/evaluate/evaluate.h"
#include "planner/schedules/schedule_table.h"
#include "sim/cost/overlap_costs.h"

namespace pipeloom::planner {

// Returns the order that search_slot_order() finds, for step_costs() and evaluate().
SlotProgram searched_order(const sim::OverlapStage& forward, const sim::OverlapStage& backward);

// One way to divide the SMs, with the best piece size for it.
struct SplitPoint {
  int comm_sms = 0;
  int piece_tokens = 0;
  int64_t step_ns = 0;     // with DeepSeek-V3's order inside pairs
  int64_t hidden_ns = 0;   // hidden all-to-all of the pair that runs most often
  int64_t exposed_ns = 0;  // exposed all-to-all of that pair
  bool fits = true;        // within the memory limit
};

// Evaluates every split in `candidates`; leaves out splits that can't be evaluated.
std::vector<SplitPoint> split_curve(const Job& job, const NamedSchedule& named, const std::vector<int>& candidates);

// Returns splits worth trying: 4 to 40 SMs, if the GPU has a few more than that.
std::vector<int> candidate_splits(const Cluster& cluster);

// Returns the job with the split that gives the shortest step among those that fit the memory, or among all if none
// fits. Ties go to the job's own split, then to fewer SMs. Returns the job unchanged if the curve is empty. Pure.
Job with_best_split(const Job& job, const std::vector<SplitPoint>& curve);

}  // namespace pipeloom::planner
