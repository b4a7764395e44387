#pragma once

#include <cstdint>

#include "backend/model/tensor_core.h"

namespace pipeloom::backend {

// How far products of tensor cores are from the exact ones of the same FP8 numbers, relative to the root mean square of
// all exact sums: single sums come as close to zero as one likes.
struct AccumulationError {
  double largest = 0;
  double mean_square_root = 0;
};

// Of `size` x `inner` times `inner` x `size` normally distributed numbers, rounded to E4M3. Exact sums are doubles.
// REQUIRES: size and inner above 0.
AccumulationError accumulation_error(int64_t size, int64_t inner, uint64_t seed, const Accumulation& how);

}  // namespace pipeloom::backend
