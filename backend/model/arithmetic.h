#pragma once

#include "backend/model/products.h"
#include "core/job/formats.h"

namespace pipeloom::backend {

// What multiplies where. Sums of products are FP32.
template <typename Real>
struct Arithmetic {
  const Products<Real>& attention;  // by weights: the projections of attention
  const Products<Real>& mlp;        // the same of MLPs and experts
  const Products<Real>& precise;    // the rest: queries by keys, scores by values, gate, head

  Arithmetic(const Products<Real>& by_attention, const Products<Real>& by_mlp, const Products<Real>& rest)
      : attention(by_attention), mlp(by_mlp), precise(rest) {}
  // The same everywhere.
  Arithmetic(const Products<Real>& products)  // NOLINT(google-explicit-constructor)
      : Arithmetic(products, products, products) {}
};

// BF16: both factors of every product are rounded to it. FP8: to E4M3 with scales (DeepSeek-V3 report, arXiv
// 2412.19437, section 3.3.1). FP16: FP32, for want of a loss scale. `check`: the same bits however a job is cut.
Arithmetic<float> arithmetic_for(const Formats& formats, bool check);

}  // namespace pipeloom::backend
