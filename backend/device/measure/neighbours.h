#pragma once

#include "backend/device/measure/measured_device.h"
#include "backend/device/products/product_runner.h"

namespace pipeloom::backend {

// A BF16 product of 4096 x 7168 by 7168 x 4096, as DeepSeek-V3's shared expert has it, on so many SMs.
class ProductOnGpu {
 public:
  ProductOnGpu(MeasuredDevice& device, int sms);
  void run(StreamHandle stream);

 private:
  int sms_;
  MeasuredMemory x_;
  MeasuredMemory w_;
  MeasuredMemory y_;
  std::unique_ptr<ProductRunner> products_;
};

// A kernel that memory bounds: it copies 256 MiB on so many SMs, without cache hints.
class MemoryBoundOnGpu {
 public:
  MemoryBoundOnGpu(MeasuredDevice& device, int sms);
  void run(StreamHandle stream) const;

 private:
  int sms_;
  MeasuredMemory from_;
  MeasuredMemory to_;
};

}  // namespace pipeloom::backend
