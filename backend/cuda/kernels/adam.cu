#include "backend/cuda/kernels/adam.h"
#include "backend/cuda/kernels/numbers.cuh"

namespace pipeloom {

namespace {

// In doubles, as the reference: 28 bytes a parameter from memory take longer.
__global__ void adam_kernel(AdamOptions options, const AdamStep* step, const float* gradients, int64_t count,
                            AdamNumbers numbers) {
  const int64_t i = global_thread();
  if (i >= count) return;
  const double gradient = static_cast<float>(gradients[i] * step->gradient_scale);
  const double first = options.first_decay * numbers.first[i] + (1 - options.first_decay) * gradient;
  const double second = options.second_decay * numbers.second[i] + (1 - options.second_decay) * gradient * gradient;
  const double move = first / step->first_bias / (sqrt(second / step->second_bias) + options.epsilon);
  const double weight = numbers.weights[i];
  const auto moved = static_cast<float>(weight - step->learning_rate * (move + options.weight_decay * weight));
  numbers.first[i] = static_cast<float>(first);
  numbers.second[i] = static_cast<float>(second);
  numbers.weights[i] = moved;
  numbers.factors[i] = to_bf16(moved);
}

}  // namespace

void adam(const SmStream& stream, const AdamOptions& options, const AdamStep* step, const float* gradients,
          int64_t count, const AdamNumbers& numbers) {
  if (count == 0) return;
  PIPELOOM_LAUNCH(adam_kernel, ({blocks_for(count, 256), 256, 0}), stream, options, step, gradients, count, numbers);
}

}  // namespace pipeloom
