#pragma once

// CUDA's language on the CPU, for tests without a GPU: kernels compile as C++ and run with one fiber per CUDA thread on
// one thread of the machine. Included before a .cu file (the build does, with -include). What it can't show is what
// depends on the hardware: races between warps that a barrier is missing for, memory order, speed.

#include <math.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <utility>

#include "tests/backend/cuda/emulation/kernel.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)
// Blocks run one after the other, so one of each is enough. (Resident blocks have dynamic shared memory only.)
#define __shared__ static

using dim3 = pipeloom::emulation::Extent;

namespace pipeloom::emulation {

struct Place {
  Extent thread;
  Extent block;
};

const Place& place();
const Extent& block_size();
const Extent& grid_size();
unsigned char* block_memory();

void wait_for_block();
void wait_for_warp();

// The 64 bits that `lane` gave; every lane of the warp calls.
uint64_t exchange_in_warp(uint64_t own, unsigned lane);
unsigned vote_in_warp(bool yes);
unsigned own_lane();

template <typename Number>
Number shuffle(Number value, unsigned lane) {
  static_assert(sizeof(Number) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = exchange_in_warp(bits, lane);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace pipeloom::emulation

#define threadIdx (::pipeloom::emulation::place().thread)
#define blockIdx (::pipeloom::emulation::place().block)
#define blockDim (::pipeloom::emulation::block_size())
#define gridDim (::pipeloom::emulation::grid_size())

inline void __syncthreads() {
  ::pipeloom::emulation::wait_for_block();
}
inline void __syncwarp() {
  ::pipeloom::emulation::wait_for_warp();
}
template <typename Number>
Number __shfl_xor_sync(unsigned /*mask*/, Number value, int distance) {
  return ::pipeloom::emulation::shuffle(value, ::pipeloom::emulation::own_lane() ^ static_cast<unsigned>(distance));
}
template <typename Number>
Number __shfl_sync(unsigned /*mask*/, Number value, int lane) {
  return ::pipeloom::emulation::shuffle(value, static_cast<unsigned>(lane));
}
inline unsigned __ballot_sync(unsigned /*mask*/, bool yes) {
  return ::pipeloom::emulation::vote_in_warp(yes);
}
inline int __popc(unsigned bits) {
  return std::popcount(bits);
}
inline uint32_t __float_as_uint(float value) {
  return std::bit_cast<uint32_t>(value);
}
inline float __uint_as_float(uint32_t bits) {
  return std::bit_cast<float>(bits);
}
template <typename Number>
Number atomicAdd(Number* to, Number value) {
  return std::exchange(*to, *to + value);
}
inline uint32_t atomicOr(uint32_t* to, uint32_t value) {
  return std::exchange(*to, *to | value);
}

namespace pipeloom::backend {

struct Grid {
  dim3 blocks;
  dim3 threads;
  size_t shared_bytes = 0;
};

template <typename... Parameters, typename... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), const Grid& grid, const backend::SmStream& stream,
            Arguments... arguments) {
  emulation::submit({name, grid.blocks, grid.threads, grid.shared_bytes, false, [=] { kernel(arguments...); }}, stream);
}
template <typename... Parameters, typename... Arguments>
void launch_resident(const char* name, void (*kernel)(Parameters...), const Grid& grid, const backend::SmStream& stream,
                     Arguments... arguments) {
  emulation::submit({name, grid.blocks, grid.threads, grid.shared_bytes, true, [=] { kernel(arguments...); }}, stream);
}
inline unsigned char* dynamic_shared() {
  return emulation::block_memory();
}

template <typename... Parameters>
void allow_shared(const char* name, void (* /*kernel*/)(Parameters...), size_t bytes) {
  emulation::allow_dynamic_shared(name, bytes);
}

uint8_t host_e4m3(float value);
// Of the kernel that runs: its clock, a pause by it, and the SM of its block.
uint64_t host_now_ns();
void host_sleep_ns(uint64_t time_ns);
unsigned host_sm();
inline void host_copy(void* to, const void* from, size_t bytes) {
  std::memcpy(to, from, bytes);
}

}  // namespace pipeloom::backend
