#include "backend/cuda/check.h"
#include "backend/cuda/run/occupy.h"

namespace pipeloom {

namespace {

// More than half of an SM's shared memory, so that no second block fits beside.
constexpr int kSharedBytes = 120 * 1024;
constexpr int kThreads = 256;
constexpr unsigned kNap_ns = 100;

__device__ unsigned this_sm() {
  unsigned sm = 0;
  asm volatile("mov.u32 %0, %%smid;" : "=r"(sm));
  return sm;
}

__device__ int64_t device_now_ns() {
  int64_t now = 0;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}

__global__ void occupy_kernel(int64_t duration_ns, uint32_t* seen) {
  if (threadIdx.x != 0) return;
  const int64_t end_ns = device_now_ns() + duration_ns;
  if (seen != nullptr) atomicOr(&seen[this_sm() / 32], 1u << (this_sm() % 32));
  while (device_now_ns() < end_ns) __nanosleep(kNap_ns);
}

}  // namespace

void occupy(const LaunchPlace& place, int64_t duration_ns, uint32_t* seen) {
  PIPELOOM_CUDA_CHECK(cudaFuncSetAttribute(occupy_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes));
  occupy_kernel<<<place.sms, kThreads, kSharedBytes, place.stream>>>(duration_ns, seen);
  PIPELOOM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace pipeloom
