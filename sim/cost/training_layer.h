#pragma once

#include <vector>

#include "core/costs/component.h"
#include "sim/cost/layer_costs.h"
#include "sim/cost/training_kernels.h"

namespace pipeloom::sim {

// A component of a layer as a training framework runs it.
struct TrainingPart {
  Component component = Component::kStage;
  Lane lane = Lane::kCompute;
  PassSeconds seconds;
};

// The parts of a layer like the model's layer `kind`, in the order of the forward pass, what the backward pass computes
// again included; in front what they wait for: the host that launches them, and weights on their way.
std::vector<TrainingPart> training_layer(const Job& job, const TrainingKernels& kernels, int kind);

// Token embedding; head and loss; norms and projection before an MTP module's layer.
TrainingPart training_embedding(const Job& job, const TrainingKernels& kernels);
TrainingPart training_head(const Job& job, const TrainingKernels& kernels);
TrainingPart training_mtp_projection(const Job& job, const TrainingKernels& kernels);

// Micro-batch of one GPU: its tokens, and those that norms, routers and residuals see.
struct TrainingTokens {
  double all = 0;
  double split = 0;   // by sequence parallelism
  double routed = 0;  // by tensor parallelism
};
TrainingTokens training_tokens(const Job& job);

// The whole model's layers with the software's costs. REQUIRES: the job has software.
LayerCosts training_costs(const Job& job, const ComputeSetting& setting);

}  // namespace pipeloom::sim
