#pragma once

#include "backend/device/run/device_library.h"

namespace pipeloom::backend {

// The CUDA runtime and cuBLASLt. Lives as long as the process.
DeviceLibrary& cuda_library();

}  // namespace pipeloom::backend
