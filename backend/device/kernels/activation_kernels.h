#pragma once

#include <cstdint>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"

namespace pipeloom::backend {

// What stands between the two products of an MLP or expert: SwiGLU (gated) or GELU; backend/model/feed_forward.h has
// the maths and is the reference.
struct ActivationShape {
  int64_t rows = 0;
  int64_t intermediate = 0;
  bool gated = true;

  PIPELOOM_BOTH int64_t up_width() const { return gated ? 2 * intermediate : intermediate; }
};

// Of `inner` [rows, up_width]: `activated` [rows, intermediate].
void activate(const SmStream& stream, const ActivationShape& shape, const Bf16* inner, Bf16* activated);
// Of the gradient of what activate gave, [rows, intermediate]: that of `inner`.
void activate_backward(const SmStream& stream, const ActivationShape& shape, const Bf16* inner,
                       const float* activated_gradient, Bf16* inner_gradient);
// Where each row of the output [rows, hidden] was multiplied by a weight [rows]: multiplies the gradients of what
// activate gave and of the output by it, and puts the gradient of the weight in its place. That is what the output
// would give, through the last product: no output has to be kept.
void weigh_rows(const SmStream& stream, const ActivationShape& shape, const Bf16* inner, int64_t hidden, float* weights,
                float* activated_gradient, Bf16* output_gradient);

}  // namespace pipeloom::backend
