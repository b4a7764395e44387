#pragma once

#include <cstdint>
#include <vector>

#include "core/costs/component.h"
#include "core/job/job.h"
#include "sim/cost/pass_time.h"
#include "sim/cost/stage_span.h"

namespace pipeloom::sim {

struct PassTimes {
  int64_t forward_ns = 0;
  int64_t input_ns = 0;
  int64_t weight_ns = 0;

  int64_t total_ns() const { return forward_ns + input_ns + weight_ns; }
  bool operator==(const PassTimes&) const = default;
};
PassTimes sum_of(const StageProgram& program);

// The components of every piece of the model, in the order of the forward pass. `last` holds the head and, after it,
// the MTP modules.
struct LayerCosts {
  StageProgram first;  // embedding
  std::vector<StageProgram> layers;
  StageProgram last;
};

// Each pass alone, with measured layers in the place of computed ones. Measured times hold for all SMs and nothing
// beside them; elsewhere they grow as the computed ones do. REQUIRES: the job has a model. Pure; O(layers).
LayerCosts layer_costs(const Job& job, const ComputeSetting& setting);

StageProgram stage_program(const LayerCosts& costs, const StageSpan& span);

// What a layer's weight in a partition is: F + I + W, all-to-all included, as passes run alone; or as overlapped pairs
// run, where the longer of compute (on the SMs that communication leaves) and all-to-all counts.
enum class WeightBasis { kAlone, kOverlapped };

// The weight of each layer, and of what the first and the last stage run besides: what a partition balances.
struct LayerWeights {
  std::vector<int64_t> layers_ns;
  int64_t first_extra_ns = 0;
  int64_t last_extra_ns = 0;
};
LayerWeights layer_weights(const Job& job, WeightBasis basis = WeightBasis::kAlone);

}  // namespace pipeloom::sim
