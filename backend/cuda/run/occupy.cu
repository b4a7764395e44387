#include "backend/cuda/check.h"
#include "backend/cuda/run/occupy.h"
#include "core/check.h"

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

__global__ void add_up_kernel(SharedSum sum) {
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  const int64_t end = sum.begin + sum.size;
  for (int64_t i = sum.begin + int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < end; i += step) {
    float total = 0;
    for (int array = 0; array < sum.count; ++array) total += sum.arrays[array][i];
    for (int array = 0; array < sum.count; ++array) sum.arrays[array][i] = total;
  }
}

}  // namespace

void occupy(const LaunchPlace& place, int64_t duration_ns, uint32_t* seen) {
  PIPELOOM_CUDA_CHECK(cudaFuncSetAttribute(occupy_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes));
  occupy_kernel<<<place.sms, kThreads, kSharedBytes, place.stream>>>(duration_ns, seen);
  PIPELOOM_CUDA_CHECK(cudaGetLastError());
}

void add_up(const LaunchPlace& place, const SharedSum& sum) {
  PIPELOOM_CHECK(sum.count <= SharedSum::kMostArrays);
  if (sum.size == 0) return;
  add_up_kernel<<<2 * place.sms, kThreads, 0, place.stream>>>(sum);
  PIPELOOM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace pipeloom
