#pragma once

#include "backend/cuda/kernels/device.cuh"

// Where and when a kernel runs.
namespace pipeloom::backend {

// The GPU's clock in nanoseconds, the same on all SMs.
__device__ inline uint64_t now_ns() {
#ifdef __CUDACC__
  uint64_t value;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(value)::"memory");
  return value;
#else
  return host_now_ns();
#endif
}
// About so long.
__device__ inline void nap(unsigned time_ns) {
#ifdef __CUDACC__
  __nanosleep(time_ns);
#else
  host_sleep_ns(time_ns);
#endif
}
__device__ inline unsigned this_sm() {
#ifdef __CUDACC__
  unsigned sm = 0;
  asm volatile("mov.u32 %0, %%smid;" : "=r"(sm));
  return sm;
#else
  return host_sm();
#endif
}

}  // namespace pipeloom::backend
