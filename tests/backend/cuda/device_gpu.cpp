#include <cuda_runtime_api.h>

#include <chrono>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/products/lt_products.h"
#include "tests/backend/cuda/device.h"
#include "tests/backend/cuda/gpu.h"

namespace pipeloom::tests {

DeviceMemory::DeviceMemory(int64_t size_bytes) : size_(size_bytes) {
  void* memory = nullptr;
  PIPELOOM_CUDA_CHECK(cudaMalloc(&memory, static_cast<size_t>(size_bytes)));
  data_ = static_cast<std::byte*>(memory);
}

DeviceMemory::~DeviceMemory() {
  cudaFree(data_);
}

void copy_to_device(void* to, const void* from, int64_t bytes) {
  PIPELOOM_CUDA_CHECK(cudaMemcpy(to, from, static_cast<size_t>(bytes), cudaMemcpyHostToDevice));
}

void copy_from_device(void* to, const void* from, int64_t bytes) {
  PIPELOOM_CUDA_CHECK(cudaDeviceSynchronize());
  PIPELOOM_CUDA_CHECK(cudaMemcpy(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToHost));
}

uint64_t device_time_ns() {
  PIPELOOM_CUDA_CHECK(cudaDeviceSynchronize());
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

std::string why_no_device() {
  return backend::why_no_gpu();
}

backend::SmStream device_stream() {
  int sms = 0;
  PIPELOOM_CUDA_CHECK(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, 0));
  return {nullptr, sms};
}

std::unique_ptr<backend::ProductRunner> device_products() {
  return std::make_unique<backend::LtProducts>();
}

}  // namespace pipeloom::tests
