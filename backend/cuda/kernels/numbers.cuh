#pragma once

#include "backend/cuda/kernels/device.cuh"
#include "backend/device/kernels/numbers.h"
#ifdef __CUDACC__
#include <cuda_fp8.h>
#endif

namespace pipeloom::backend {

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
__device__ inline void set_number(float value, float* to) {
  *to = value;
}
__device__ inline void set_number(float value, Bf16* to) {
  *to = to_bf16(value);
}

__device__ inline float power_of_two(int exponent) {
  return __uint_as_float(static_cast<uint32_t>(exponent + 127) << 23);
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
__device__ inline float to_float(E4m3 number) {
  const int magnitude = number.bits & 0x7f;
  if (magnitude == 0x7f) return __uint_as_float(0x7fc00000);
  const int field = magnitude >> 3;
  const int units = (magnitude & 7) + (field > 0 ? 8 : 0);
  const float value = static_cast<float>(units) * power_of_two((field > 0 ? field : 1) - 10);
  return number.bits > 0x7f ? -value : value;
}

// The least power of two by which a format's largest number times it holds `most`: scaling by it loses nothing.
__device__ inline float storing_scale(float most, float largest) {
  const float ratio = most / largest;
  const int field = static_cast<int>(__float_as_uint(ratio) >> 23);
  if (!(ratio > 0) || field == 0xff) return 1;
  const float scale = power_of_two(field - 127 < -126 ? -126 : field - 127);
  return largest * scale < most ? 2 * scale : scale;  // the product is exact, the ratio was rounded
}

}  // namespace pipeloom::backend
