#pragma once

#include <cstdint>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"

namespace pipeloom::backend {

// The loss of the head; backend/model/head.h has the maths and is the reference.
struct LogitsShape {
  int64_t rows = 0;  // tokens
  int64_t vocabulary = 0;
};

// Makes of `logits` [rows, vocabulary] the probabilities, in place; sets `losses` [rows] and `loss`, their sum in the
// rows' order of threads: the same bits in every run.
void cross_entropy(const SmStream& stream, const LogitsShape& shape, const int32_t* targets, float* logits,
                   float* losses, double* loss);
// The gradient of `loss_scale` times the sum, by the logits.
void cross_entropy_backward(const SmStream& stream, const LogitsShape& shape, const int32_t* targets,
                            const float* probabilities, float loss_scale, Bf16* logits_gradient);

}  // namespace pipeloom::backend
