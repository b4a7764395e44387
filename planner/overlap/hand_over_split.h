#pragma once

#include <vector>

#include "core/job/job.h"
#include "planner/evaluate/evaluate.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::planner {

// One way to divide the SMs of a rank that shares its GPU, and what hand-overs and the step then take.
struct HandOverSplit {
  int comm_sms = 0;
  HandOverCopy how;        // the job's own method, or the fastest
  double bytes_per_s = 0;  // rate of one hand-over
  int64_t step_ns = 0;
  bool fits = true;  // within the memory limit
};

// True if the planner has a choice: ranks share a GPU whose hand-overs were measured, and layers were not. Layers are
// measured with the job's own split and say nothing about others.
bool has_hand_over_choice(const Job& job);

// Returns numbers of SMs worth trying: multiples of four, into which a GPU can be divided, that leave eight to compute
// on.
std::vector<int> hand_over_candidates(const Cluster& cluster);

// Evaluates every split in `candidates`; leaves out splits that can't be evaluated. REQUIRES: the job's ranks share a
// GPU.
std::vector<HandOverSplit> hand_over_splits(const Job& job, const NamedSchedule& named,
                                            const std::vector<int>& candidates);

// Returns the job with the split that gives the shortest step among those that fit the memory, or among all if none
// fits. Ties go to fewer SMs. Returns the job unchanged if the curve is empty. Pure.
Job with_best_hand_over(const Job& job, const std::vector<HandOverSplit>& curve);

// Returns the job with the fastest way to copy hand-overs on its comm_sms, unless the job already names a way.
// REQUIRES: the job's ranks share a GPU.
Job with_hand_over(Job job);

}  // namespace pipeloom::planner
