#include "backend/cuda/kernels/clock.cuh"
#include "backend/cuda/run/occupy.h"

namespace pipeloom::backend {

namespace {

// More than half of an SM's shared memory, so that no second block fits beside.
constexpr int kSharedBytes = 120 * 1024;
constexpr int kThreads = 256;
constexpr unsigned kNap_ns = 100;

__global__ void occupy_kernel(int64_t duration_ns, uint32_t* seen) {
  if (threadIdx.x != 0) return;
  const uint64_t end_ns = now_ns() + static_cast<uint64_t>(duration_ns);
  if (seen != nullptr) atomicOr(&seen[this_sm() / 32], 1u << (this_sm() % 32));
  while (now_ns() < end_ns) nap(kNap_ns);
}

}  // namespace

void occupy(const SmStream& stream, int64_t duration_ns, uint32_t* seen) {
  allow_shared("occupy_kernel", occupy_kernel, kSharedBytes);
  const auto blocks = static_cast<unsigned>(stream.sms);
  PIPELOOM_LAUNCH(occupy_kernel, ({blocks, kThreads, kSharedBytes}), stream, duration_ns, seen);
}

}  // namespace pipeloom::backend
