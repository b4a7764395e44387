#pragma once

#include "backend/cuda/kernels/device.cuh"

namespace pipeloom::backend {

inline constexpr unsigned kWholeWarp = 0xffffffffu;

struct Sum {
  template <typename Number>
  __device__ static Number join(Number a, Number b) {
    return a + b;
  }
};
struct Largest {
  template <typename Number>
  __device__ static Number join(Number a, Number b) {
    return a > b ? a : b;
  }
};

// Every lane gets the result. REQUIRES: the whole warp calls.
template <typename Join, typename Number>
__device__ inline Number warp_reduce(Number value) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    value = Join::join(value, __shfl_xor_sync(kWholeWarp, value, distance));
  }
  return value;
}

// Every thread gets the result, the same bits in every run. `neutral` changes nothing when joined. REQUIRES: all
// threads of the block call, and they are whole warps.
template <typename Join, typename Number>
__device__ inline Number block_reduce(Number value, Number neutral) {
  __shared__ Number of_warp[32];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  value = warp_reduce<Join>(value);
  __syncthreads();  // the reduction before may still be read
  if (lane == 0) of_warp[warp] = value;
  __syncthreads();
  value = lane < static_cast<int>(blockDim.x) / kWarp ? of_warp[lane] : neutral;
  return warp_reduce<Join>(value);
}

}  // namespace pipeloom::backend
