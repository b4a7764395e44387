#pragma once

#include <cstdint>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"

namespace pipeloom::backend {

// RMSNorm on the GPU; backend/model/rms_norm.h has the maths and is the reference. Matrices are row-major; what no
// stride is given for is dense.

struct RmsNormShape {
  int64_t rows = 0;
  int64_t width = 0;
};

// What F leaves for later passes.
struct RmsNormSaved {
  Bf16* input = nullptr;     // [rows, width]
  float* inverse = nullptr;  // [rows] one over the root mean square
};

// Of x [rows, width]: what is saved, and the output as a factor of products.
void rms_norm_forward(const SmStream& stream, const RmsNormShape& shape, TokenRows<const Bf16> x, const float* weight,
                      const RmsNormSaved& saved, TokenRows<Bf16> output);
// The output again, the same bits.
void rms_norm_output(const SmStream& stream, const RmsNormShape& shape, const RmsNormSaved& saved, const float* weight,
                     TokenRows<Bf16> output);
// The gradient of x, added to `residual` [rows, width] where that is given. `x_gradient` may be `residual`.
void rms_norm_input_backward(const SmStream& stream, const RmsNormShape& shape, TokenRows<const float> output_gradient,
                             const float* weight, const RmsNormSaved& saved, const Bf16* residual,
                             TokenRows<Bf16> x_gradient);
// Sets `weight_gradient` [width], added up in the order of the rows.
void rms_norm_weight_gradient(const SmStream& stream, const RmsNormShape& shape, TokenRows<const float> output_gradient,
                              const RmsNormSaved& saved, float* weight_gradient);

}  // namespace pipeloom::backend
