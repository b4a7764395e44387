#pragma once

#include <cstdint>

#include "backend/cuda/kernels/numbers.h"
#include "backend/cuda/kernels/stream.h"

namespace pipeloom {

// The choice of experts; backend/model/gate.h has the maths and is the reference, ties included.
struct GateShape {
  int64_t tokens = 0;
  int experts = 0;
  int groups = 1;
  int groups_per_token = 1;
  int per_token = 1;  // experts that a token goes to

  PIPELOOM_BOTH int64_t choices() const { return tokens * per_token; }
};

// Of `logits` [tokens, experts]: `chosen` [tokens, per_token], ascending within a token, and their `weights`. A logit
// that is NaN still gives experts that exist, each once.
void choose_experts(const SmStream& stream, const GateShape& shape, const float* logits, int32_t* chosen,
                    float* weights);
// Of the gradient of the weights: that of the logits, zero where an expert was not chosen.
void choose_experts_backward(const SmStream& stream, const GateShape& shape, const int32_t* chosen,
                             const float* weights, const float* weights_gradient, Bf16* logits_gradient);

}  // namespace pipeloom
