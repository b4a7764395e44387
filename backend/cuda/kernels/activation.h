#pragma once

#include <cstdint>

#include "backend/cuda/kernels/numbers.h"
#include "backend/cuda/kernels/stream.h"

namespace pipeloom {

// What stands between the two products of an MLP or expert: SwiGLU (gated) or GELU; backend/model/feed_forward.h has
// the maths and is the reference.
struct ActivationShape {
  int64_t rows = 0;
  int64_t intermediate = 0;
  bool gated = true;

  PIPELOOM_BOTH int64_t up_width() const { return gated ? 2 * intermediate : intermediate; }
};

// Of `inner` [rows, up_width]: `activated` [rows, intermediate].
void activate(const SmStream& stream, const ActivationShape& shape, const float* inner, Bf16* activated);
// Of the gradient of what activate gave, [rows, intermediate]: that of `inner`.
void activate_backward(const SmStream& stream, const ActivationShape& shape, const float* inner,
                       const float* activated_gradient, Bf16* inner_gradient);

}  // namespace pipeloom
