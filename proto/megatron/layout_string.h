#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace pipeloom::proto {

// Megatron-LM's --pipeline-model-parallel-layout: stages apart by "|", E the embedding, t a layer, m a multi-token
// prediction module, L the loss: "Et*3|t*4|t*2mL". Where a rank holds several stages, stage s is on rank s mod P.
// REQUIRES: at least one stage.
std::string megatron_layout(std::span<const int> layers_per_stage, int mtp_depth);

struct MegatronStages {
  std::vector<int> layers_per_stage;
  int mtp_depth = 0;
  int mtp_stage = 0;  // where mtp_depth > 0

  bool operator==(const MegatronStages&) const = default;
};
// Reads one, as megatron/core/transformer/pipeline_parallel_layer_layout.py does: commas mean nothing, "(tt|)*29" and
// "t*3" are repeated. Fails where the embedding does not begin it, the loss does not end it, or the modules are apart.
Result<MegatronStages> parse_megatron_layout(std::string_view layout);

}  // namespace pipeloom::proto
