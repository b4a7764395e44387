#include "tests/backend/cuda/gpu.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

namespace pipeloom {

std::string why_no_gpu() {
  int devices = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&devices); error != cudaSuccess) return cudaGetErrorString(error);
  if (devices == 0) return "no device";
  int major = 0;
  int minor = 0;
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
  cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0);
  if (major == 9) return "";
  return fmt::format("device 0 has compute capability {}.{}, and the kernels are built for 9.0", major, minor);
}

}  // namespace pipeloom
