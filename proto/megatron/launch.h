#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/job/job.h"
#include "core/schedule/placement.h"

namespace pipeloom::proto {

// What starts Megatron-LM's pretrain_gpt.py on a plan.
struct MegatronLaunch {
  std::string arguments;  // one flag a line, quoted as xargs reads it
  std::string nccl_yaml;  // for --nccl-communicator-config-path: the SMs of expert parallelism; empty: none
};

// Megatron-LM (main, 2025) runs 1F1B, interleaved 1F1B, and that with overlapped pairs. Another schedule is refused
// with the nearest of them; so is what it has no flag for. `schedule_name` is of the table. REQUIRES: the job has a
// model.
Result<MegatronLaunch> megatron_launch(const Job& job, std::string_view schedule_name, const Placement& placement,
                                       std::span<const int> layers_per_stage);

}  // namespace pipeloom::proto
