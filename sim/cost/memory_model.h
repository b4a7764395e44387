#pragma once

#include <cstdint>

#include "core/costs/costs.h"
#include "core/costs/step_costs.h"
#include "core/job/job.h"
#include "sim/cost/stage_span.h"

namespace pipeloom::sim {

// What a GPU holds. A job with software has what its framework allocates (sim/cost/training_memory.h).

// Weights of one copy of a stage on one GPU.
struct StageParameters {
  int64_t dense = 0;      // of layers, split by tensor parallelism
  int64_t routed = 0;     // experts, split over the expert-parallel group
  int64_t ends = 0;       // embedding and head, split by tensor parallelism; never in FP8
  int64_t attention = 0;  // of the dense ones, attention's
};
// The embedding is needed a second time on the last stage, by MTP modules and by a head that is tied to it: `ends_meet`
// says that the first stage is on the same rank, and both use one copy (DeepSeek-V3, section 3.2.3).
StageParameters stage_parameters(const Job& job, const StageSpan& span, bool ends_meet);

// `copies`: of the stage in one pipeline (two in DualPipe).
StageState stage_state(const Job& job, const StageParameters& parameters, int copies);

// What one micro-batch of a stage holds on one GPU, in bytes.
ActivationSize stage_activation(const Job& job, const StageSpan& span);

// The same for one layer like the model's layer `kind`, nothing offloaded.
int64_t layer_activation_bytes(const Job& job, int kind);

// What a GPU holds besides. With software fragmentation follows from the rest (sim/cost/memory_counters.h).
Reserve memory_reserve(const Job& job);

// Of one number of a gradient.
double gradient_bytes(Precision precision);

}  // namespace pipeloom::sim
