#pragma once

#include <cstdint>

#include "backend/model/matrix.h"

namespace pipeloom::backend {

// How a Hopper tensor core adds the products of FP8 numbers (DeepSeek-V3 report, arXiv 2412.19437, section 3.3.2): of
// each group of products and the sum so far, the largest exponent decides; all are cut off after `bits` bits from
// there, towards zero, and added exactly. A WGMMA takes one group along the inner dimension.
struct Accumulation {
  int bits = 14;
  int group = 32;
  // After so many products the sum moves on to an FP32 number and begins anew: 128, four WGMMAs, is DeepSeek's choice.
  // 0: never. A multiple of `group`.
  int promote_every = 128;
};

// c += a b, where a [n, k] and b [k, m] hold FP8 numbers: products are exact in float. Sums of one call start
// from zero.
void add_tensor_core_product(View<const float> a, View<const float> b, const Accumulation& how, View<float> c);

}  // namespace pipeloom::backend
