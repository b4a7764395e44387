#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/device/kernels/stream.h"

// What kernels need beside CUDA's language. They also compile for the host: tests include
// tests/backend/cuda/emulation/emulation.h first, which brings what is built into nvcc, and its own `launch`.
#ifdef __CUDACC__
#include <cuda_runtime.h>

namespace pipeloom::backend {

// Throws with the kernel's name where its launch failed.
void check_launch(const char* kernel);

// How many blocks of how many threads, and dynamic shared memory.
struct Grid {
  dim3 blocks;
  dim3 threads;
  size_t shared_bytes = 0;
};

// `name` is for the error message.
template <typename... Parameters, typename... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), const Grid& grid, const SmStream& stream,
            Arguments... arguments) {
  kernel<<<grid.blocks, grid.threads, grid.shared_bytes, stream.stream>>>(arguments...);
  check_launch(name);
}

// For kernels whose blocks wait for each other: all are resident at once, or the launch fails.
template <typename... Parameters, typename... Arguments>
void launch_resident(const char* name, void (*kernel)(Parameters...), const Grid& grid, const SmStream& stream,
                     Arguments... arguments) {
  void* addresses[] = {&arguments...};
  cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(kernel), grid.blocks, grid.threads, addresses,
                              grid.shared_bytes, stream.stream);
  check_launch(name);
}

// Beyond 48 KiB of dynamic shared memory a kernel has to ask.
template <typename... Parameters>
void allow_shared(const char* name, void (*kernel)(Parameters...), size_t bytes) {
  cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                       static_cast<int>(bytes));
  check_launch(name);
}

__device__ inline unsigned char* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char shared_bytes[];
  return shared_bytes;
}

}  // namespace pipeloom::backend
#endif

#define PIPELOOM_LAUNCH(kernel, grid, stream, ...) \
  ::pipeloom::backend::launch(#kernel, kernel, ::pipeloom::backend::Grid grid, stream, __VA_ARGS__)

namespace pipeloom::backend {

inline constexpr int kWarp = 32;

// So many threads for a row of `width` numbers: whole warps, at most `most`.
inline unsigned row_threads(int64_t width, int64_t most = 256) {
  const int64_t warps = (width + kWarp - 1) / kWarp;
  return static_cast<unsigned>(kWarp * (warps < 1 ? 1 : warps > most / kWarp ? most / kWarp : warps));
}
inline unsigned blocks_for(int64_t count, int64_t per_block) {
  return static_cast<unsigned>((count + per_block - 1) / per_block);
}

// N numbers that move as one, in one access of up to 16 bytes.
template <typename Number, int N>
struct alignas(sizeof(Number) * N) Pack {
  Number numbers[N];
};
template <int N, typename Number>
__device__ inline Pack<Number, N> load_pack(const Number* from) {
  return *reinterpret_cast<const Pack<Number, N>*>(from);
}
template <int N, typename Number>
__device__ inline void store_pack(Number* to, const Pack<Number, N>& pack) {
  *reinterpret_cast<Pack<Number, N>*>(to) = pack;
}

__device__ inline int64_t global_thread() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

}  // namespace pipeloom::backend
