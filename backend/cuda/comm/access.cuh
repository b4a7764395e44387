#pragma once

#include "backend/cuda/kernels/clock.cuh"
#include "backend/cuda/kernels/device.cuh"

namespace pipeloom::backend {

// 16 bytes as communication kernels move them.
struct alignas(16) Bytes16 {
  uint32_t words[4];
};

// How a kernel reads and writes what it will not touch again.
enum class CacheHints : int {
  kNone = 0,
  // Nothing stays in L1, and a read brings 256 bytes to L2: as DeepEP does (deepseek-ai/DeepEP, README).
  kStreaming = 1,
  // And reads go through the read-only path, which is undefined where somebody else writes the same memory while the
  // kernel runs (PTX ISA, ld.global.nc).
  kStreamingReadOnly = 2,
};

template <CacheHints kHints>
__device__ inline Bytes16 load16(const void* from) {
#ifdef __CUDACC__
  Bytes16 out;
  if constexpr (kHints == CacheHints::kStreamingReadOnly) {
    asm volatile("ld.global.nc.L1::no_allocate.L2::256B.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out.words[0]), "=r"(out.words[1]), "=r"(out.words[2]), "=r"(out.words[3])
                 : "l"(from));
  } else if constexpr (kHints == CacheHints::kStreaming) {
    asm volatile("ld.global.L1::no_allocate.L2::256B.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out.words[0]), "=r"(out.words[1]), "=r"(out.words[2]), "=r"(out.words[3])
                 : "l"(from)
                 : "memory");
  } else {
    asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out.words[0]), "=r"(out.words[1]), "=r"(out.words[2]), "=r"(out.words[3])
                 : "l"(from)
                 : "memory");
  }
  return out;
#else
  return *static_cast<const Bytes16*>(from);
#endif
}

template <CacheHints kHints>
__device__ inline void store16(void* to, const Bytes16& value) {
#ifdef __CUDACC__
  if constexpr (kHints == CacheHints::kNone) {
    asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(value.words[0]), "r"(value.words[1]),
                 "r"(value.words[2]), "r"(value.words[3])
                 : "memory");
  } else {
    asm volatile("st.global.L1::no_allocate.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(value.words[0]),
                 "r"(value.words[1]), "r"(value.words[2]), "r"(value.words[3])
                 : "memory");
  }
#else
  *static_cast<Bytes16*>(to) = value;
#endif
}

// Counters through which warps of one kernel tell each other how far they are.
__device__ inline uint32_t load_acquire(const uint32_t* from) {
#ifdef __CUDACC__
  uint32_t value;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(value) : "l"(from) : "memory");
  return value;
#else
  return *from;
#endif
}
__device__ inline void store_release(uint32_t* to, uint32_t value) {
#ifdef __CUDACC__
  asm volatile("st.release.gpu.global.u32 [%0], %1;" ::"l"(to), "r"(value) : "memory");
#else
  *to = value;
#endif
}

__device__ inline void sleep_until(uint64_t time_ns) {
  while (now_ns() < time_ns) nap(100);
}

}  // namespace pipeloom::backend
