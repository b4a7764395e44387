#pragma once

#include <cstdint>

#include "core/job/job.h"
#include "sim/cost/layer_costs.h"
#include "sim/cost/memory_model.h"

namespace pipeloom::sim {

// What follows a step's passes on one stage, as a training framework runs it. `passes`: one micro-batch of the stage.
// What is overlapped hides behind its last backward, or its first forward pass.
struct TrainingEnd {
  int64_t reduction_ns = 0;  // of gradients, exposed
  int64_t optimizer_ns = 0;  // the update, and gathering weights, exposed
};
TrainingEnd training_end(const Job& job, const StageParameters& parameters, int copies, const PassTimes& passes);

}  // namespace pipeloom::sim
