#pragma once

#include <string>

#include "core/base/result.h"
#include "planner/cli/command.h"

namespace pipeloom::planner {

// Whether the file is read as what starts Megatron-LM.
bool is_launch_path(const std::string& path);

// The job that a launch of Megatron-LM runs, written or printed.
Status import_launch(const ImportOptions& options, const Output& output);

}  // namespace pipeloom::planner
