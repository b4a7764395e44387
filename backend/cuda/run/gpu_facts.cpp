#include "backend/cuda/run/gpu_facts.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>
#include <nccl.h>

#include <cstdlib>

#include "backend/cuda/cuda_check.h"

namespace pipeloom::backend {

std::string why_no_gpu_here() {
  // Streams beyond the default 8 would share hardware queues, and wait for each other.
  setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 0);
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error == cudaErrorInsufficientDriver) {
    int version = 0;
    cudaDriverGetVersion(&version);
    return version == 0 ? "this machine has no NVIDIA driver"
                        : fmt::format("the NVIDIA driver is for CUDA {}, older than the runtime of this build",
                                      cuda_version_text(version));
  }
  if (error != cudaSuccess) return fmt::format("CUDA says: {}", cudaGetErrorString(error));
  return devices == 0 ? "this machine has no NVIDIA GPU" : "";
}

Result<DeviceFacts> facts_of(int device, bool with_nccl) {
  int devices = 0;
  PIPELOOM_CUDA_CHECK(cudaGetDeviceCount(&devices));
  if (device < 0 || device >= devices) {
    return invalid(fmt::format("this rank wants GPU {}; the machine has {}: start as many processes on it as GPUs",
                               device, devices));
  }
  cudaDeviceProp properties = {};
  PIPELOOM_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
  PIPELOOM_CUDA_CHECK(cudaSetDevice(device));
  DeviceFacts facts;
  facts.number = device;
  facts.name = properties.name;
  facts.capability = 10 * properties.major + properties.minor;
  size_t free_bytes = 0;
  size_t total_bytes = 0;
  PIPELOOM_CUDA_CHECK(cudaMemGetInfo(&free_bytes, &total_bytes));
  facts.free_bytes = static_cast<int64_t>(free_bytes);
  facts.total_bytes = static_cast<int64_t>(total_bytes);
  PIPELOOM_CUDA_CHECK(cudaDriverGetVersion(&facts.driver_version));
  PIPELOOM_CUDA_CHECK(cudaRuntimeGetVersion(&facts.runtime_version));
  if (with_nccl) PIPELOOM_NCCL_CHECK(ncclGetVersion(&facts.nccl_version));
  return facts;
}

DeviceNeeds needs_of_build(int ranks, int64_t bytes) {
  return {
      .built_runtime_version = CUDART_VERSION, .built_nccl_version = NCCL_VERSION_CODE, .bytes = bytes, .ranks = ranks};
}

}  // namespace pipeloom::backend
