#pragma once

#include "backend/device/kernels/columns_kernels.h"

namespace pipeloom::backend {

// Rotary positions; backend/model/rope.h has the maths and is the reference. `cosines` and `sines` are its tables,
// [sequence, columns / 2].
struct RopeTables {
  const float* cosines = nullptr;
  const float* sines = nullptr;
  int64_t sequence = 0;
};

// Turns every head of every row by its position, which is the row modulo the sequence; `back` turns the other way, as
// gradients do. REQUIRES: an even number of columns.
void turn_heads(const SmStream& stream, const HeadShape& shape, HeadColumns<float> heads, const RopeTables& tables,
                bool back);

}  // namespace pipeloom::backend
