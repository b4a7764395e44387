#pragma once

#include <cstdint>

#include "backend/cuda/kernels/numbers.h"
#include "backend/cuda/kernels/stream.h"

namespace pipeloom {

// RMSNorm on the GPU; backend/model/rms_norm.h has the maths and is the reference. Matrices are row-major; what no
// stride is given for is dense.

struct RmsNormShape {
  int64_t rows = 0;
  int64_t width = 0;
};

// Of x [rows, width] with `x_stride` numbers from row to row: `normalised` [rows, width] and `inverse` [rows] for I and
// W, and the output as a factor of products.
void rms_norm_forward(const SmStream& stream, const RmsNormShape& shape, const float* x, int64_t x_stride,
                      const float* weight, float* normalised, float* inverse, Bf16* output);
// The output again, of what forward kept.
void rms_norm_output(const SmStream& stream, const RmsNormShape& shape, const float* normalised, const float* weight,
                     Bf16* output);
// The gradient of x, added to `residual` [rows, width] where that is given. `x_gradient` may be `residual`.
void rms_norm_input_backward(const SmStream& stream, const RmsNormShape& shape, const float* output_gradient,
                             const float* weight, const float* normalised, const float* inverse, const float* residual,
                             float* x_gradient);
// Adds to `weight_gradient` [width], in the order of the rows.
void rms_norm_weight_backward(const SmStream& stream, const RmsNormShape& shape, const float* output_gradient,
                              const float* normalised, float* weight_gradient);

}  // namespace pipeloom
