#pragma once

#include <cuda.h>

#include "core/base/result.h"

namespace pipeloom::backend {

// The driver's functions for green contexts, which CUDA 13.0 has in no other API. Looked up at run time: a program that
// linked libcuda would not load on a machine without a driver.
struct GreenApi {
  decltype(&cuDeviceGet) device_get = nullptr;
  decltype(&cuDeviceGetDevResource) get_resource = nullptr;
  decltype(&cuDevSmResourceSplitByCount) split_by_count = nullptr;
  decltype(&cuDevResourceGenerateDesc) generate_description = nullptr;
  decltype(&cuGreenCtxCreate) create = nullptr;
  decltype(&cuGreenCtxDestroy) destroy = nullptr;
  decltype(&cuGreenCtxGetDevResource) get_context_resource = nullptr;
  decltype(&cuGreenCtxStreamCreate) create_stream = nullptr;
};

// Fails where there is no driver, or one without green contexts (they came with CUDA 12.4).
Result<GreenApi> load_green_api();

}  // namespace pipeloom::backend
