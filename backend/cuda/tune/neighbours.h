#pragma once

#include <cuda_runtime_api.h>

#include "backend/cuda/products/lt_products.h"
#include "backend/cuda/tune/gpu_timer.h"

namespace pipeloom::backend {

// A BF16 product of 4096 x 7168 by 7168 x 4096, as DeepSeek-V3's shared expert has it, on so many SMs.
class ProductOnGpu {
 public:
  explicit ProductOnGpu(int sms);
  void run(cudaStream_t stream);

 private:
  int sms_;
  GpuMemory x_;
  GpuMemory w_;
  GpuMemory y_;
  LtProducts products_;
};

// A kernel that memory bounds: it copies 256 MiB on so many SMs, without cache hints.
class MemoryBoundOnGpu {
 public:
  explicit MemoryBoundOnGpu(int sms);
  void run(cudaStream_t stream) const;

 private:
  int sms_;
  GpuMemory from_;
  GpuMemory to_;
};

}  // namespace pipeloom::backend
