#pragma once

#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"
#include "core/schedule/placement.h"
#include "sim/cost/layer_costs.h"

namespace pipeloom::planner {

// The first and the last stage may do without layers: the embedding, or the head with its MTP modules, is work enough.
enum class EmptyEnds { kRefused, kAllowed };

// Divides layers into contiguous stages of at least one layer, but for `ends`, so that the slowest stage is as fast as
// possible. Ties go to the most even partition (least sum of squares), then to more layers in later stages, because
// early stages hold more micro-batches. O(stages * layers * layers per stage). Fails if there are more stages than
// layers. REQUIRES: no cost is negative, and their sum stays within int64.
Result<std::vector<int>> balanced_partition(const sim::LayerWeights& weights, int stages,
                                            EmptyEnds ends = EmptyEnds::kRefused);

// Improves `layers_per_stage`: moves layers between stages as long as that lightens the heaviest rank, or keeps it and
// makes the ranks more even. A rank of a V or bidirectional placement holds light and heavy stages together.
std::vector<int> balance_ranks(const sim::LayerWeights& weights, const Placement& placement,
                               std::vector<int> layers_per_stage, EmptyEnds ends = EmptyEnds::kRefused);

// Returns the partitions worth trying for the placement: the job's own list if it has one; else one balanced by rank
// for passes that run alone and, if that differs, one for overlapped pairs, with empty ends where they lighten the
// heaviest rank. Fails if the job's list does not fit.
// REQUIRES: the job has a model.
Result<std::vector<std::vector<int>>> partitions(const Job& job, const Placement& placement);

// Returns partitions() and those that are one moved layer away and whose heaviest rank is at most 3 % heavier, alone or
// overlapped; some 50 at most. If layers don't divide evenly, the place of the odd one may gain more than any order.
// REQUIRES: the job has a model.
Result<std::vector<std::vector<int>>> near_partitions(const Job& job, const Placement& placement);

}  // namespace pipeloom::planner
