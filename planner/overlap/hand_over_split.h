#pragma once

#include <vector>

#include "core/job/job.h"
#include "planner/evaluate/evaluate.h"
#include "planner/schedules/schedule_table.h"

namespace pipeloom::planner {

// One way to divide the SMs of a rank that shares its GPU: what hand-overs and the step take with it.
struct HandOverSplit {
  int comm_sms = 0;
  HandOverCopy how;        // as the job says, or the fastest
  double bytes_per_s = 0;  // of one hand-over
  int64_t step_ns = 0;
  bool fits = true;  // the memory
};

// Whether the planner has something to choose: ranks share a GPU whose hand-overs were measured. Layers that were
// measured were so with the job's own split, and say nothing of others.
bool has_hand_over_choice(const Job& job);

// Numbers of SMs worth looking at: in fours, which a GPU can be divided into, as many as leave eight to compute on.
std::vector<int> hand_over_candidates(const Cluster& cluster);

// The curve over `candidates`; a split that can't be evaluated is left out. REQUIRES: the job's ranks share a GPU.
std::vector<HandOverSplit> hand_over_splits(const Job& job, const NamedSchedule& named,
                                            const std::vector<int>& candidates);

// The job with the split of the shortest step, of those that fit the memory if any do; of equal ones the fewest SMs.
// Unchanged where the curve is empty. Pure.
Job with_best_hand_over(const Job& job, const std::vector<HandOverSplit>& curve);

// The job with its own comm_sms and, where it leaves that open, the fastest way to copy with so many. REQUIRES: the
// job's ranks share a GPU.
Job with_hand_over(Job job);

}  // namespace pipeloom::planner
