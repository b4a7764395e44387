#pragma once

#include <cstdint>
#include <vector>

#include "core/costs/costs.h"
#include "core/job/job.h"

namespace pipeloom::sim {

// The links between the GPUs of one pipeline. GPUs are numbered rank by rank: the `data * tensor` GPUs of pipeline rank
// 0 come first, so that tensor and expert groups fill whole nodes; GPU g is on node g / gpus_per_node. The links are
// those of replica 0. One link for all where every pair of ranks has the same, else [source rank][target rank]. Ranks
// that share a GPU have its memory between them: a message takes what comm_sms SMs need to copy it, from its last byte
// on as over NVLink.
std::vector<LinkCost> pipeline_links(const Job& job, int ranks);

// Of one hand-over on one GPU: BF16 hidden states; tensor parallelism splits them.
int64_t hand_over_bytes(const Job& job);

}  // namespace pipeloom::sim
