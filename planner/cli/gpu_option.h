#pragma once

#include <string>

#include "core/base/result.h"
#include "core/job/gpu.h"

namespace pipeloom::planner {

// What --gpu names: a GPU that Pipeloom knows, or a file (.txtpb).
Result<Gpu> gpu_of_option(const std::string& name);

}  // namespace pipeloom::planner
