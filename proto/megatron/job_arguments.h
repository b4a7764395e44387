#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/job/cluster.h"
#include "core/job/job.h"

namespace pipeloom::proto {

// Where Megatron-LM is started: what its arguments don't say.
struct MegatronMachine {
  Cluster cluster;  // its nodes and GPUs per node count where they are absent below and torchrun does not say
  std::optional<int> nodes;
  std::optional<int> gpus_per_node;
};

struct MegatronJob {
  Job job;
  std::vector<std::string> notes;   // where the job differs from what Megatron-LM would run
  std::vector<std::string> unused;  // options that a plan does not depend on, or that Pipeloom does not know
};

// The job that a launch of Megatron-LM's pretrain_gpt.py runs. `text` is its argument list, or the script that starts
// it (torchrun's --nnodes and --nproc-per-node count too); `appended` are more arguments, which come last. Errors name
// the option, its line and what is allowed. Read for megatron/training/arguments.py of 2025.
Result<MegatronJob> job_from_megatron(const std::string& name, std::string_view text, const MegatronMachine& machine,
                                      const std::vector<std::string>& appended);

}  // namespace pipeloom::proto
