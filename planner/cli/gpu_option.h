#pragma once

#include <string>

#include "core/gpu.h"
#include "core/result.h"

namespace pipeloom {

// What --gpu names: a GPU that Pipeloom knows, or a file (.txtpb).
Result<Gpu> gpu_of_option(const std::string& name);

}  // namespace pipeloom
