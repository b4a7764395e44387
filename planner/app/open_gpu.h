#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/gpu.h"

namespace pipeloom::planner {

// The GPU of a name that Pipeloom knows ("H100"), or of a file (.txtpb).
Result<Gpu> open_gpu(const std::string& name_or_path);

}  // namespace pipeloom::planner
