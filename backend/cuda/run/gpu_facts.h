#pragma once

#include "backend/device/setup/device_checks.h"
#include "core/base/result.h"

namespace pipeloom::backend {

// Why this process can't use a GPU: no driver, or no device; empty: it can. Before it, sets what CUDA reads at its
// first call in a process.
std::string why_no_gpu_here();

// Of GPU `device`. `with_nccl`: NCCL is going to be used. REQUIRES: why_no_gpu_here() is empty.
Result<DeviceFacts> facts_of(int device, bool with_nccl);
// What this build needs, for `ranks` on a device that take `bytes` together.
DeviceNeeds needs_of_build(int ranks, int64_t bytes);

}  // namespace pipeloom::backend
