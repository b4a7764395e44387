#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/job/job.h"
#include "proto/megatron/options.h"

namespace pipeloom::proto {

// How Megatron-LM divides the model among pipeline ranks and in which order they work.
struct MegatronPipeline {
  ScheduleChoice schedule;
  P2pMode p2p = P2pMode::kAsync;
  std::vector<int> layers_per_stage;
  std::vector<std::string> notes;  // where Pipeloom's plan differs
};

// From --pipeline-model-parallel-layout, or the counts per rank and per virtual stage
// (get_num_layers_to_build in megatron/core/transformer/transformer_block.py).
Result<MegatronPipeline> pipeline_from_arguments(ArgumentOptions& options, const Model& model, int ranks);

}  // namespace pipeloom::proto
