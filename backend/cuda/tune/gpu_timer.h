#pragma once

#include <cuda_runtime_api.h>

#include <functional>

#include "backend/device/measure/measured_device.h"

namespace pipeloom::backend {

// Memory of the current device, and a stream and events on it.
class GpuMemory {
 public:
  explicit GpuMemory(int64_t size_bytes);  // zeroed
  ~GpuMemory() { cudaFree(data_); }
  GpuMemory(const GpuMemory&) = delete;
  GpuMemory& operator=(const GpuMemory&) = delete;

  template <typename Number>
  Number* as() const {
    return static_cast<Number*>(data_);
  }

 private:
  void* data_ = nullptr;
};

// Times what is enqueued on a stream of its own.
class GpuTimer : public StreamTimer {
 public:
  // `urgent`: blocks of this stream's kernels come first where SMs are free.
  explicit GpuTimer(bool urgent = false);
  ~GpuTimer() override;
  GpuTimer(const GpuTimer&) = delete;
  GpuTimer& operator=(const GpuTimer&) = delete;

  StreamHandle stream() const override { return stream_; }
  double median_s(const std::function<void(int)>& enqueue) override;

 private:
  double once_s(const std::function<void(int)>& enqueue, int run);

  cudaStream_t stream_ = nullptr;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

}  // namespace pipeloom::backend
