#include "tests/backend/cuda/gpu.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "backend/cuda/run/gpu_facts.h"

namespace pipeloom::backend {

std::string why_no_gpu() {
  if (std::string reason = why_no_gpu_here(); !reason.empty()) return reason;
  int major = 0;
  int minor = 0;
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
  cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0);
  if (major == 9) return "";
  return fmt::format("device 0 has compute capability {}.{}, and the kernels are built for 9.0", major, minor);
}

}  // namespace pipeloom::backend
