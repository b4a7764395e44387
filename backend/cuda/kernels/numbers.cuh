#pragma once

#include "backend/cuda/kernels/device.cuh"
#include "backend/cuda/kernels/numbers.h"
#ifdef __CUDACC__
#include <cuda_fp8.h>
#endif

namespace pipeloom {

// The nearest BF16 number, ties to the even one; infinities and NaN stay what they are.
__device__ inline Bf16 to_bf16(float value) {
  const uint32_t bits = __float_as_uint(value);
  if (value != value) return {static_cast<uint16_t>((bits >> 16) | 0x40)};  // some fraction bit must stay
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}
__device__ inline float to_float(Bf16 number) {
  return __uint_as_float(static_cast<uint32_t>(number.bits) << 16);
}
__device__ inline float to_float(float number) {
  return number;
}

inline constexpr float kLargestE4m3 = 448;

// The nearest E4M3 number, ties to the even one; what is larger than the largest becomes that.
__device__ inline E4m3 to_e4m3(float value) {
#ifdef __CUDACC__
  return {__nv_cvt_float_to_fp8(value, __NV_SATFINITE, __NV_E4M3)};
#else
  return {host_e4m3(value)};
#endif
}

}  // namespace pipeloom
