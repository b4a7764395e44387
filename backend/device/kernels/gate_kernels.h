#pragma once

#include <cstdint>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"

namespace pipeloom::backend {

// The choice of experts; backend/model/gate.h has the maths and is the reference, ties included.
struct GateShape {
  int64_t tokens = 0;
  int experts = 0;
  int groups = 1;
  int groups_per_token = 1;
  int per_token = 1;  // experts that a token goes to
  bool sigmoid = false;
  float scale = 1;  // of the weights

  PIPELOOM_BOTH int64_t choices() const { return tokens * per_token; }
};

// Of `scores` [tokens, experts], which come as logits: `chosen` [tokens, per_token], ascending within a token, and
// their `weights`. With sigmoids the scores become those. `biases` [experts] count in the choice; may be null. A logit
// that is NaN still gives experts that exist, each once.
void choose_experts(const SmStream& stream, const GateShape& shape, float* scores, const float* biases, int32_t* chosen,
                    float* weights);

// The sequence-wise balance loss, by the sigmoids.
struct GateBalance {
  float factor = 0;                 // of the loss, and of the sum of the tokens' losses; 0: none
  int64_t sequence = 1;             // tokens
  const int32_t* counts = nullptr;  // [tokens / sequence, experts] how many tokens of each sequence chose an expert
};
void count_choices(const SmStream& stream, const GateShape& shape, int64_t sequence, const int32_t* chosen,
                   int32_t* counts);

// Of the gradient of the weights: that of the logits. `scores` as choose_experts left them.
void choose_experts_backward(const SmStream& stream, const GateShape& shape, const float* scores,
                             const GateBalance& balance, const int32_t* chosen, const float* weights,
                             const float* weights_gradient, Bf16* logits_gradient);

// Adds `counts` [experts] to the loads that biases follow.
void add_loads(const SmStream& stream, const int32_t* counts, int experts, float* loads);
void add_loads(const SmStream& stream, const int32_t* counts, int experts, int64_t* loads);

}  // namespace pipeloom::backend
