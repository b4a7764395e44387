#pragma once

#include "sim/cost/training_layer.h"

namespace pipeloom::sim {

// A block of a layer, and those of its forward parts that a framework may compute again in the backward pass.
struct TrainingBlock {
  PassSeconds seconds;
  double norms = 0;           // forward
  double core = 0;            // attention, forward
  double up_projections = 0;  // MLA, forward
  double activation = 0;      // forward
  double products = 0;        // linear layers, forward
  double pointwise = 0;       // all that is no product, forward
};

TrainingBlock attention_block(const Job& job, const TrainingKernels& kernels, int kind);
TrainingBlock mlp_block(const Job& job, const TrainingKernels& kernels);
TrainingBlock router_block(const Job& job, const TrainingKernels& kernels);
TrainingBlock experts_block(const Job& job, const TrainingKernels& kernels);

}  // namespace pipeloom::sim
