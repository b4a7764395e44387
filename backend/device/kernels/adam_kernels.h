#pragma once

#include <cstdint>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"
#include "backend/model/adam.h"
#include "core/job/formats.h"

namespace pipeloom::backend {

// What changes from step to step, kept on the GPU: a captured step reads it anew each time.
struct AdamStep {
  double learning_rate = 0;
  double first_bias = 1;      // 1 - beta1^step
  double second_bias = 1;     // 1 - beta2^step
  double gradient_scale = 1;  // what gradients are multiplied by; NaN: they are not finite, and nothing is optimized
};
// Steps count from 1.
AdamStep adam_step_numbers(const AdamOptions& options, int64_t step, double gradient_scale);

// Parameters with their state.
struct AdamState {
  float* weights = nullptr;
  void* first = nullptr;   // moments, in the format
  void* second = nullptr;  // the same

  AdamState at(int64_t offset, Format moments) const;
};

struct AdamNumbers {
  AdamState state;
  Bf16* factors = nullptr;  // the weights rounded
  Format moments = Format::kFp32;
  AdamState before;  // where the state is remembered, for adam_again; or null

  AdamNumbers at(int64_t offset) const;
};

// Adam for `count` parameters; adam_step in backend/model/adam.h is the reference. `step` is on the GPU. Moments are
// FP32 or BF16.
void adam(const SmStream& stream, const AdamOptions& options, const AdamStep* step, const float* gradients,
          int64_t count, const AdamNumbers& numbers);
// From what was remembered, after `step` has got a scale below 1; otherwise nothing.
void adam_again(const SmStream& stream, const AdamOptions& options, const AdamStep* step, const float* gradients,
                int64_t count, const AdamNumbers& numbers);

// Biases of experts move by `step` against their loads; LoadBalance in backend/model/chunk_state.h is the reference.
void move_biases(const SmStream& stream, double step, double even_load, const float* loads, int64_t count,
                 float* biases);

}  // namespace pipeloom::backend
