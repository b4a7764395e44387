#pragma once

#include "core/base/result.h"
#include "planner/cli/command.h"

namespace pipeloom::planner {

// The job that a launch of Megatron-LM runs, written or printed.
Status import_launch(const ImportOptions& options, const Output& output);

}  // namespace pipeloom::planner
