#include "backend/cuda/kernels/adam.h"
#include "backend/cuda/kernels/numbers.cuh"
#include "core/check.h"

namespace pipeloom {

namespace {

constexpr unsigned kThreads = 256;

// In doubles, as the reference: 28 bytes a parameter from memory take longer.
template <typename Moment>
__global__ void adam_kernel(AdamOptions options, const AdamStep* step, const float* gradients, int64_t count,
                            AdamNumbers numbers) {
  const int64_t i = global_thread();
  if (i >= count) return;
  Moment* first_moment = static_cast<Moment*>(numbers.first) + i;
  Moment* second_moment = static_cast<Moment*>(numbers.second) + i;
  const double gradient = static_cast<float>(gradients[i] * step->gradient_scale);
  const double first = options.first_decay * to_float(*first_moment) + (1 - options.first_decay) * gradient;
  const double second =
      options.second_decay * to_float(*second_moment) + (1 - options.second_decay) * gradient * gradient;
  const double move = first / step->first_bias / (sqrt(second / step->second_bias) + options.epsilon);
  const double weight = numbers.weights[i];
  const auto moved = static_cast<float>(weight - step->learning_rate * (move + options.weight_decay * weight));
  set_number(static_cast<float>(first), first_moment);
  set_number(static_cast<float>(second), second_moment);
  numbers.weights[i] = moved;
  numbers.factors[i] = to_bf16(moved);
}

__global__ void biases_kernel(double step, double even_load, const float* loads, int64_t count, float* biases) {
  const int64_t i = global_thread();
  if (i >= count) return;
  const double more = static_cast<double>(loads[i]) - even_load;
  const double move = more > 0 ? -step : more < 0 ? step : 0;
  biases[i] = static_cast<float>(static_cast<double>(biases[i]) + move);
}

int64_t moment_size(Format format) {
  return format == Format::kBf16 ? 2 : 4;
}

}  // namespace

AdamNumbers AdamNumbers::at(int64_t offset) const {
  const int64_t bytes = offset * moment_size(moments);
  return {weights + offset, static_cast<char*>(first) + bytes, static_cast<char*>(second) + bytes, factors + offset,
          moments};
}

void adam(const SmStream& stream, const AdamOptions& options, const AdamStep* step, const float* gradients,
          int64_t count, const AdamNumbers& numbers) {
  if (count == 0) return;
  PIPELOOM_CHECK(numbers.moments == Format::kFp32 || numbers.moments == Format::kBf16);
  if (numbers.moments == Format::kBf16) {
    PIPELOOM_LAUNCH(adam_kernel<Bf16>, ({blocks_for(count, kThreads), kThreads, 0}), stream, options, step, gradients,
                    count, numbers);
  } else {
    PIPELOOM_LAUNCH(adam_kernel<float>, ({blocks_for(count, kThreads), kThreads, 0}), stream, options, step, gradients,
                    count, numbers);
  }
}

void move_biases(const SmStream& stream, double step, double even_load, const float* loads, int64_t count,
                 float* biases) {
  if (count == 0) return;
  PIPELOOM_LAUNCH(biases_kernel, ({blocks_for(count, kThreads), kThreads, 0}), stream, step, even_load, loads, count,
                  biases);
}

}  // namespace pipeloom
