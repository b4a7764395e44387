#include "backend/cuda/tune/gpu_timer.h"

#include <algorithm>
#include <array>

#include "backend/cuda/cuda_check.h"

namespace pipeloom::backend {

GpuMemory::GpuMemory(int64_t size_bytes) {
  PIPELOOM_CUDA_CHECK(cudaMalloc(&data_, static_cast<size_t>(size_bytes)));
  PIPELOOM_CUDA_CHECK(cudaMemset(data_, 0, static_cast<size_t>(size_bytes)));
  // The call has not waited for it, and a timer's stream does not wait for the default one.
  PIPELOOM_CUDA_CHECK(cudaDeviceSynchronize());
}

GpuTimer::GpuTimer(bool urgent) {
  int least = 0;
  int greatest = 0;
  PIPELOOM_CUDA_CHECK(cudaDeviceGetStreamPriorityRange(&least, &greatest));
  PIPELOOM_CUDA_CHECK(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, urgent ? greatest : least));
  PIPELOOM_CUDA_CHECK(cudaEventCreate(&begin_));
  PIPELOOM_CUDA_CHECK(cudaEventCreate(&end_));
}

GpuTimer::~GpuTimer() {
  cudaEventDestroy(begin_);
  cudaEventDestroy(end_);
  cudaStreamDestroy(stream_);
}

double GpuTimer::once_s(const std::function<void(int)>& enqueue, int run) {
  PIPELOOM_CUDA_CHECK(cudaEventRecord(begin_, stream_));
  enqueue(run);
  PIPELOOM_CUDA_CHECK(cudaEventRecord(end_, stream_));
  PIPELOOM_CUDA_CHECK(cudaEventSynchronize(end_));
  float milliseconds = 0;
  PIPELOOM_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, begin_, end_));
  return static_cast<double>(milliseconds) / 1e3;
}

double GpuTimer::median_s(const std::function<void(int)>& enqueue) {
  once_s(enqueue, 0);
  std::array<double, kRuns> seconds = {};
  for (int run = 0; run < kRuns; ++run) seconds[run] = once_s(enqueue, run + 1);
  std::ranges::sort(seconds);
  return seconds[kRuns / 2];
}

}  // namespace pipeloom::backend
