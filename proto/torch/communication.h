#pragma once

#include <vector>

#include "core/base/result.h"
#include "proto/torch/action.h"

namespace pipeloom::proto {

// The passes of PyTorch that make compute_comms of compute_only, in its order (_PipelineScheduleRuntime,
// _prepare_schedule_with_comms); tested on its own examples.

// A stage's weights are gathered before its first use among the next `most` stages, and dropped when it is not among
// them. PyTorch drops several in the order of a Python set; here in the order of stages.
std::vector<TorchAction> with_unshard(const std::vector<TorchAction>& compute, size_t most = 3);

// REDUCE_GRAD right after the last B or W of a stage.
std::vector<TorchAction> with_reduce_grad(const std::vector<TorchAction>& compute, int micro_batches);

// A send right after what it sends; its receive at the end of the peer's row as that stands when the send is placed.
// Ranks take turns. Fails where no rank can go on. `rank_of`: [stage].
Result<TorchRows> with_transfers(const TorchRows& rows, const std::vector<int>& rank_of);

// Whether every hand-over between ranks has its send after what it sends and its receive before what needs it, on the
// right ranks, and each rank receives from another in the order in which that one sends.
Status check_transfers(const TorchRows& rows, const std::vector<int>& rank_of);

}  // namespace pipeloom::proto
