#pragma once

#include <cstdint>
#include <span>

#include "core/base/result.h"

namespace pipeloom::backend {

// Gradients as whole numbers of 2^-40: their sums don't depend on the order. The scale is the same whatever the data
// is; it holds gradients of up to 2^22 (of losses averaged over the batch, some 10^-6 to 10) to 10^-12.
inline constexpr int kFixedPointBits = 40;

// Adds `numbers`, rounded to the nearest, to `sums`, to which `contributions` calls add in all. Fails where a number is
// not finite or so large that a sum could overflow; `sums` is then undefined.
Status add_fixed(std::span<const float> numbers, int64_t contributions, std::span<int64_t> sums);

float from_fixed(int64_t sum);

}  // namespace pipeloom::backend
