#pragma once

#include <cstdint>

#include "backend/device/kernels/adam_kernels.h"
#include "backend/device/kernels/stream.h"

namespace pipeloom::backend {

// The norm of all gradients, for clipping; backend/model/square_sum.h is the reference. Sums are doubles in one order:
// the same bits in every run.
inline constexpr int kSquareBlocks = 256;

// Adds the squares of `count` numbers to `partials` [kSquareBlocks].
void add_squares(const SmStream& stream, const float* numbers, int64_t count, double* partials);
void set_zero(const SmStream& stream, int64_t count, double* numbers);

// Sums of squares, of whoever has some.
struct SquareSums {
  static constexpr int kMost = 64;
  const double* partials[kMost] = {};  // [kSquareBlocks]
  int count = 0;
};
// Adds them all up.
void total_squares(const SmStream& stream, const SquareSums& sums, double* total);
// What gradients are multiplied by, as clip_scale: `total` is the sum of their squares. NaN where that is not finite.
void clip(const SmStream& stream, const double* total, double clip_norm, AdamStep* step);

}  // namespace pipeloom::backend
