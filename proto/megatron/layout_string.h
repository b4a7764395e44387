#pragma once

#include <span>
#include <string>

namespace pipeloom {

// Megatron-LM's --pipeline-model-parallel-layout: stages apart by "|", E the embedding, t a layer, m a multi-token
// prediction module, L the loss: "Et*3|t*4|t*2mL". Where a rank holds several stages, stage s is on rank s mod P.
// REQUIRES: at least one stage.
std::string megatron_layout(std::span<const int> layers_per_stage, int mtp_depth);

}  // namespace pipeloom
