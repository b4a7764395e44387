#include "backend/cuda/kernels/numbers.cuh"
#include "backend/device/kernels/adam_kernels.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

constexpr unsigned kThreads = 256;

template <typename Moment>
struct AdamNumber {
  __device__ AdamNumber(const AdamState& state, int64_t i)
      : weight(state.weights + i),
        first(static_cast<Moment*>(state.first) + i),
        second(static_cast<Moment*>(state.second) + i) {}
  __device__ void operator=(const AdamNumber& other) const {
    *weight = *other.weight;
    *first = *other.first;
    *second = *other.second;
  }

  float* weight;
  Moment* first;
  Moment* second;
};

// In doubles, as the reference: 28 bytes a parameter from memory take longer.
template <typename Moment>
__global__ void adam_kernel(AdamOptions options, const AdamStep* step, const float* gradients, int64_t count,
                            AdamNumbers numbers, bool again) {
  const int64_t i = global_thread();
  if (i >= count || (again && step->gradient_scale == 1)) return;
  const AdamNumber<Moment> own(numbers.state, i);
  if (again) {
    own = AdamNumber<Moment>(numbers.before, i);
    numbers.factors[i] = to_bf16(*own.weight);
  } else if (numbers.before.weights != nullptr) {
    AdamNumber<Moment>(numbers.before, i) = own;
  }
  if (isnan(step->gradient_scale)) return;
  const double gradient = static_cast<float>(gradients[i] * step->gradient_scale);
  const double first = options.first_decay * to_float(*own.first) + (1 - options.first_decay) * gradient;
  const double second = options.second_decay * to_float(*own.second) + (1 - options.second_decay) * gradient * gradient;
  const double move = first / step->first_bias / (sqrt(second / step->second_bias) + options.epsilon);
  const double weight = *own.weight;
  const auto moved = static_cast<float>(weight - step->learning_rate * (move + options.weight_decay * weight));
  set_number(static_cast<float>(first), own.first);
  set_number(static_cast<float>(second), own.second);
  *own.weight = moved;
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

void run_adam(const SmStream& stream, const AdamOptions& options, const AdamStep* step, const float* gradients,
              int64_t count, const AdamNumbers& numbers, bool again) {
  if (count == 0) return;
  PIPELOOM_THROW_UNLESS(numbers.moments == Format::kFp32 || numbers.moments == Format::kBf16);
  const auto kernel = numbers.moments == Format::kBf16 ? adam_kernel<Bf16> : adam_kernel<float>;
  launch("adam_kernel", kernel, {blocks_for(count, kThreads), kThreads, 0}, stream, options, step, gradients, count,
         numbers, again);
}

}  // namespace

AdamState AdamState::at(int64_t offset, Format moments) const {
  if (weights == nullptr) return {};
  const int64_t bytes = offset * moment_size(moments);
  return {weights + offset, static_cast<char*>(first) + bytes, static_cast<char*>(second) + bytes};
}

AdamNumbers AdamNumbers::at(int64_t offset) const {
  return {state.at(offset, moments), factors + offset, moments, before.at(offset, moments)};
}

void adam(const SmStream& stream, const AdamOptions& options, const AdamStep* step, const float* gradients,
          int64_t count, const AdamNumbers& numbers) {
  run_adam(stream, options, step, gradients, count, numbers, false);
}

void adam_again(const SmStream& stream, const AdamOptions& options, const AdamStep* step, const float* gradients,
                int64_t count, const AdamNumbers& numbers) {
  PIPELOOM_THROW_UNLESS(count == 0 || numbers.before.weights != nullptr);
  run_adam(stream, options, step, gradients, count, numbers, true);
}

void move_biases(const SmStream& stream, double step, double even_load, const float* loads, int64_t count,
                 float* biases) {
  if (count == 0) return;
  PIPELOOM_LAUNCH(biases_kernel, ({blocks_for(count, kThreads), kThreads, 0}), stream, step, even_load, loads, count,
                  biases);
}

}  // namespace pipeloom::backend
