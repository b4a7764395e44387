#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "backend/device/kernels/stream.h"

// A kernel as launched, apart from CUDA's own names (emulation.h): also files that include CUDA's headers use it.
namespace pipeloom::emulation {

struct Extent {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;
  constexpr Extent(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr unsigned count() const { return x * y * z; }
};

struct Kernel {
  const char* name = "";
  Extent blocks;
  Extent threads;
  size_t shared_bytes = 0;       // dynamic
  bool resident = false;         // the threads of all blocks run at the same time
  std::function<void()> thread;  // what each thread runs; has its arguments by value
};

// Runs a kernel from `begin_ns` on, block i on SM sms[i % size]; returns when the last of its blocks ends, by the clock
// that they look at: a thread that does nothing else takes a nanosecond. Blocks that are not resident all begin at
// `begin_ns`. Throws std::runtime_error where threads wait for each other for ever. One kernel at a time.
int64_t run_kernel(const Kernel& kernel, int64_t begin_ns, const std::vector<int>& sms);

// What a launch in a .cu file calls: runs the kernel at once (immediate.cpp), or when its stream comes to it
// (runtime/kernels.cpp).
void submit(const Kernel& kernel, const backend::SmStream& stream);
// So much dynamic shared memory the kernels of this name may have.
void allow_dynamic_shared(const char* name, size_t bytes);

}  // namespace pipeloom::emulation
