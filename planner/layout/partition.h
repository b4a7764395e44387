#pragma once

#include <vector>

#include "core/job.h"
#include "core/result.h"
#include "sim/cost/layer_costs.h"

namespace pipeloom {

// Contiguous stages of at least one layer, the slowest as fast as possible; among those the most even (least sum of
// squares); among those the later stages hold more layers, as early stages hold more micro-batches.
// O(stages * layers * layers per stage). Error: more stages than layers.
// REQUIRES: no cost is negative, and their sum stays inside int64.
Result<std::vector<int>> balanced_partition(const LayerWeights& weights, int stages);

// The layers of each of the placement's stages: the job's own list if it has one and it fits, else balanced by cost.
// REQUIRES: the job has a model.
Result<std::vector<int>> partition(const Job& job, int stages);

}  // namespace pipeloom
