#include "backend/cuda/kernels/activation.h"
#include "backend/cuda/kernels/numbers.cuh"

namespace pipeloom {

namespace {

constexpr unsigned kThreads = 256;

// A function and its derivative at one place.
struct Slope {
  float value;
  float derivative;
};

__device__ inline Slope silu(float x) {
  const float sigmoid = 1 / (1 + expf(-x));
  return {x * sigmoid, sigmoid * (1 + x * (1 - sigmoid))};
}

__device__ inline Slope gelu(float x) {
  constexpr float kScale = 0.7978845608028654f;  // sqrt(2 / pi)
  constexpr float kCubic = 0.044715f;
  const float t = tanhf(kScale * (x + kCubic * x * x * x));
  const float inner = kScale * (1 + 3 * kCubic * x * x);
  return {0.5f * x * (1 + t), 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * inner};
}

// N numbers per thread; a pack lies in one row.
template <int N>
__global__ void activate_kernel(ActivationShape shape, const float* inner, Bf16* activated) {
  const int64_t i = global_thread() * N;
  if (i >= shape.rows * shape.intermediate) return;
  const int64_t row = i / shape.intermediate;
  const float* in = inner + row * shape.up_width() + i % shape.intermediate;
  const auto first = load_pack<N>(in);
  Pack<Bf16, N> out;
  if (shape.gated) {
    const auto up = load_pack<N>(in + shape.intermediate);
    for (int j = 0; j < N; ++j) out.numbers[j] = to_bf16(silu(first.numbers[j]).value * up.numbers[j]);
  } else {
    for (int j = 0; j < N; ++j) out.numbers[j] = to_bf16(gelu(first.numbers[j]).value);
  }
  store_pack(activated + i, out);
}

template <int N>
__global__ void backward_kernel(ActivationShape shape, const float* inner, const float* activated_gradient,
                                Bf16* inner_gradient) {
  const int64_t i = global_thread() * N;
  if (i >= shape.rows * shape.intermediate) return;
  const int64_t begin = i / shape.intermediate * shape.up_width() + i % shape.intermediate;
  const auto first = load_pack<N>(inner + begin);
  const auto gradient = load_pack<N>(activated_gradient + i);
  Pack<Bf16, N> out;
  if (!shape.gated) {
    for (int j = 0; j < N; ++j) out.numbers[j] = to_bf16(gradient.numbers[j] * gelu(first.numbers[j]).derivative);
    store_pack(inner_gradient + begin, out);
    return;
  }
  const auto up = load_pack<N>(inner + begin + shape.intermediate);
  Pack<Bf16, N> up_out;
  for (int j = 0; j < N; ++j) {
    const Slope slope = silu(first.numbers[j]);
    out.numbers[j] = to_bf16(gradient.numbers[j] * up.numbers[j] * slope.derivative);
    up_out.numbers[j] = to_bf16(gradient.numbers[j] * slope.value);
  }
  store_pack(inner_gradient + begin, out);
  store_pack(inner_gradient + begin + shape.intermediate, up_out);
}

}  // namespace

void activate(const SmStream& stream, const ActivationShape& shape, const float* inner, Bf16* activated) {
  const int64_t count = shape.rows * shape.intermediate;
  if (count == 0) return;
  if (shape.intermediate % 4 == 0) {
    PIPELOOM_LAUNCH(activate_kernel<4>, ({blocks_for(count, 4 * kThreads), kThreads, 0}), stream, shape, inner,
                    activated);
  } else {
    PIPELOOM_LAUNCH(activate_kernel<1>, ({blocks_for(count, kThreads), kThreads, 0}), stream, shape, inner, activated);
  }
}

void activate_backward(const SmStream& stream, const ActivationShape& shape, const float* inner,
                       const float* activated_gradient, Bf16* inner_gradient) {
  const int64_t count = shape.rows * shape.intermediate;
  if (count == 0) return;
  if (shape.intermediate % 4 == 0) {
    PIPELOOM_LAUNCH(backward_kernel<4>, ({blocks_for(count, 4 * kThreads), kThreads, 0}), stream, shape, inner,
                    activated_gradient, inner_gradient);
  } else {
    PIPELOOM_LAUNCH(backward_kernel<1>, ({blocks_for(count, kThreads), kThreads, 0}), stream, shape, inner,
                    activated_gradient, inner_gradient);
  }
}

}  // namespace pipeloom
