#include "backend/cuda/run/cuda_library.h"

#include <cuda_runtime_api.h>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/products/lt_products.h"

namespace pipeloom::backend {

namespace {

class CudaLibrary : public DeviceLibrary {
 public:
  std::shared_ptr<std::byte> allocate(int64_t size_bytes) override {
    void* memory = nullptr;
    PIPELOOM_CUDA_CHECK(cudaMalloc(&memory, static_cast<size_t>(size_bytes)));
    return {static_cast<std::byte*>(memory), cudaFree};
  }
  std::shared_ptr<std::byte> allocate_on_host(int64_t size_bytes) override {
    void* memory = nullptr;
    PIPELOOM_CUDA_CHECK(cudaMallocHost(&memory, static_cast<size_t>(size_bytes)));
    return {static_cast<std::byte*>(memory), cudaFreeHost};
  }

  void copy_to_device(const void* host, void* device, int64_t size_bytes) override {
    PIPELOOM_CUDA_CHECK(cudaMemcpy(device, host, static_cast<size_t>(size_bytes), cudaMemcpyHostToDevice));
  }
  void copy_to_host(const void* device, void* host, int64_t size_bytes) override {
    PIPELOOM_CUDA_CHECK(cudaMemcpy(host, device, static_cast<size_t>(size_bytes), cudaMemcpyDeviceToHost));
  }
  void wait_for_all() override { PIPELOOM_CUDA_CHECK(cudaDeviceSynchronize()); }

  // From memory that is not pinned: the call has read it when it returns.
  void enqueue_to_device(StreamHandle stream, const void* host, void* device, int64_t size_bytes) override {
    PIPELOOM_CUDA_CHECK(cudaMemcpyAsync(device, host, static_cast<size_t>(size_bytes), cudaMemcpyHostToDevice, stream));
  }
  void enqueue_to_host(StreamHandle stream, const void* device, void* host, int64_t size_bytes) override {
    PIPELOOM_CUDA_CHECK(cudaMemcpyAsync(host, device, static_cast<size_t>(size_bytes), cudaMemcpyDeviceToHost, stream));
  }
  void enqueue_on_host(StreamHandle stream, void (*function)(void* argument), void* argument) override {
    PIPELOOM_CUDA_CHECK(cudaLaunchHostFunc(stream, function, argument));
  }

  std::unique_ptr<ProductRunner> make_products() override { return std::make_unique<LtProducts>(); }
};

}  // namespace

DeviceLibrary& cuda_library() {
  static CudaLibrary library;
  return library;
}

}  // namespace pipeloom::backend
