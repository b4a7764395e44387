#pragma once

#include <vector>

#include "backend/cli/run_options.h"
#include "core/base/result.h"
#include "core/job/job.h"

namespace pipeloom::backend {

// Whether a run of the job has what --expert-load asks for, if it is given.
Status check_expert_loads(const CommandOptions& options, const Job& job);
// Where --expert-load says, if it does; as `pipeloom simulate --expert-load` reads them.
Status write_expert_loads(const CommandOptions& options, const std::vector<ExpertLoad>& loads);

}  // namespace pipeloom::backend
