#pragma once

#include "backend/cli/run_options.h"
#include "core/tasks/plan.h"

namespace pipeloom::backend {

// `--device cuda`: the plan on GPUs. All its ranks on one GPU of this process, or, where processes were started for
// them, each on a GPU of its own. Fails clearly where this build has no CUDA or this machine no GPU.
Status run_on_gpus(const CommandOptions& options, const RunOutput& output, const Plan& plan);

}  // namespace pipeloom::backend
