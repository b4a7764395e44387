#pragma once

#include <cstdint>

#include "backend/cuda/kernels/stream.h"

namespace pipeloom {

// Several copies of the same numbers, and the range of them that one member of a reduction adds up.
struct SharedSum {
  static constexpr int kMostCopies = 16;
  float* copies[kMostCopies] = {};
  int count = 0;
  int64_t begin = 0;
  int64_t size = 0;
};

// Adds up that range, one copy after the other, and puts the sum into each. Members with ranges of their own may run at
// the same time.
void add_up(const SmStream& stream, const SharedSum& sum);

}  // namespace pipeloom
