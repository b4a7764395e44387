#pragma once

#include <cstdint>

#include "backend/device/kernels/stream.h"

namespace pipeloom::backend {

// Several copies of the same numbers, where their sum goes, and the range that one member of a reduction adds up.
struct SharedSum {
  static constexpr int kMostCopies = 16;
  const float* copies[kMostCopies] = {};
  int count = 0;
  float* sums[kMostCopies] = {};  // may be copies
  int sums_count = 0;
  int64_t begin = 0;
  int64_t size = 0;
};

// Adds up that range, one copy after the other, and puts the sum where it goes. Members with ranges of their own may
// run at the same time.
void add_up(const SmStream& stream, const SharedSum& sum);

}  // namespace pipeloom::backend
