#pragma once

#include <cstdint>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"

namespace pipeloom::backend {

// The causal softmax between attention's two products; backend/model/attention_core.h has the maths and is the
// reference. Scores of all heads of one sequence, [heads, sequence, sequence]; zero above the diagonal.
struct ScoresShape {
  int64_t heads = 0;
  int64_t sequence = 0;
  float scale = 1;  // of a score before the exponential
};

// Makes of `scores` the probabilities, in place, and the same as a factor of products.
void causal_softmax(const SmStream& stream, const ScoresShape& shape, float* scores, Bf16* probabilities);
// Of the probabilities and their gradient: the gradient of the scores, times the scale.
void causal_softmax_backward(const SmStream& stream, const ScoresShape& shape, const float* probabilities,
                             const float* gradient, Bf16* scores_gradient);

}  // namespace pipeloom::backend
