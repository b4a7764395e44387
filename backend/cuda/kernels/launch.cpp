#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <stdexcept>

#include "backend/cuda/cuda_check.h"

namespace pipeloom::backend {

void check_launch(const char* kernel) {
  const cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) return;
  const std::string call = fmt::format("the launch of {}", kernel);
  check_cuda(error, call.c_str(), __FILE__, __LINE__);
}

}  // namespace pipeloom::backend
