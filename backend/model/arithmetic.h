#pragma once

#include "backend/model/products.h"
#include "core/job.h"

namespace pipeloom {

// What multiplies where. Numbers between products, sums of gradients, weights and moments are 32-bit floats.
template <typename Real>
struct Arithmetic {
  const Products<Real>& linear;   // by weights: the projections of attention, MLPs and experts
  const Products<Real>& precise;  // the rest: queries by keys, scores by values, gate, head

  Arithmetic(const Products<Real>& by_weights, const Products<Real>& rest) : linear(by_weights), precise(rest) {}
  // The same everywhere.
  Arithmetic(const Products<Real>& products) : Arithmetic(products, products) {}  // NOLINT(google-explicit-constructor)
};

// kBf16: both factors of every product are BF16, sums FP32. kFp8: those of `linear` are E4M3 with scales, the rest BF16
// (DeepSeek-V3 report, arXiv 2412.19437, section 3.3.1). kFp16: FP32, for want of a loss scale. `check`: the same bits
// however a job is cut.
Arithmetic<float> arithmetic_for(Precision precision, bool check);

}  // namespace pipeloom
