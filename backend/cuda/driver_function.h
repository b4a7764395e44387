#pragma once

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "core/base/result.h"

namespace pipeloom::backend {

// Takes an entry point of the driver, which nothing links: programs start on machines without one. `version`: in which
// the function got the form that the header declares; `needs`: what an error says that a driver must be.
template <typename Function>
Status load_driver_function(const char* name, unsigned version, const char* needs, Function& function) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult answer = cudaDriverEntryPointSymbolNotFound;
  const cudaError_t error = cudaGetDriverEntryPointByVersion(name, &found, version, cudaEnableDefault, &answer);
  if (error != cudaSuccess) return unsupported(fmt::format("no CUDA driver: {}", cudaGetErrorString(error)));
  if (answer != cudaDriverEntryPointSuccess || found == nullptr) {
    return unsupported(fmt::format("the CUDA driver has no {}: {}", name, needs));
  }
  function = reinterpret_cast<Function>(found);
  return {};
}

}  // namespace pipeloom::backend
