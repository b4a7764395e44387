#pragma once

#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"
#include "core/schedule/placement.h"
#include "sim/cost/layer_costs.h"

namespace pipeloom::planner {

// Contiguous stages of at least one layer, the slowest as fast as possible; among those the most even (least sum of
// squares); among those the later stages hold more layers, as early stages hold more micro-batches.
// O(stages * layers * layers per stage). Error: more stages than layers.
// REQUIRES: no cost is negative, and their sum stays inside int64.
Result<std::vector<int>> balanced_partition(const sim::LayerWeights& weights, int stages);

// Moves layers between stages for as long as that lightens the heaviest rank, or leaves it and makes the ranks more
// even: a rank of a V or bidirectional placement holds light and heavy stages together. Starts from `layers_per_stage`.
std::vector<int> balance_ranks(const sim::LayerWeights& weights, const Placement& placement,
                               std::vector<int> layers_per_stage);

// Partitions worth trying for the placement: the job's own list if it has one and it fits; else balanced by rank for
// passes that run alone and, where that differs, for overlapped pairs. REQUIRES: the job has a model.
Result<std::vector<std::vector<int>>> partitions(const Job& job, const Placement& placement);

// Those, and what is one moved layer away from them with a heaviest rank that is at most 3 % heavier, alone or
// overlapped; some 50 at most. Where layers don't divide evenly, the place of the odd one may win more than any order.
// REQUIRES: the job has a model.
Result<std::vector<std::vector<int>>> near_partitions(const Job& job, const Placement& placement);

}  // namespace pipeloom::planner
