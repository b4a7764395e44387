#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/device/kernels/activation_kernels.h"

namespace pipeloom::backend {

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
__global__ void activate_kernel(ActivationShape shape, const Bf16* inner, Bf16* activated) {
  const int64_t i = global_thread() * N;
  if (i >= shape.rows * shape.intermediate) return;
  const int64_t row = i / shape.intermediate;
  const Bf16* in = inner + row * shape.up_width() + i % shape.intermediate;
  const auto first = load_pack<N>(in);
  Pack<Bf16, N> out;
  if (shape.gated) {
    const auto up = load_pack<N>(in + shape.intermediate);
    for (int j = 0; j < N; ++j)
      out.numbers[j] = to_bf16(silu(to_float(first.numbers[j])).value * to_float(up.numbers[j]));
  } else {
    for (int j = 0; j < N; ++j) out.numbers[j] = to_bf16(gelu(to_float(first.numbers[j])).value);
  }
  store_pack(activated + i, out);
}

template <int N>
__global__ void backward_kernel(ActivationShape shape, const Bf16* inner, const float* activated_gradient,
                                Bf16* inner_gradient) {
  const int64_t i = global_thread() * N;
  if (i >= shape.rows * shape.intermediate) return;
  const int64_t begin = i / shape.intermediate * shape.up_width() + i % shape.intermediate;
  const auto first = load_pack<N>(inner + begin);
  const auto gradient = load_pack<N>(activated_gradient + i);
  Pack<Bf16, N> out;
  if (!shape.gated) {
    for (int j = 0; j < N; ++j)
      out.numbers[j] = to_bf16(gradient.numbers[j] * gelu(to_float(first.numbers[j])).derivative);
    store_pack(inner_gradient + begin, out);
    return;
  }
  const auto up = load_pack<N>(inner + begin + shape.intermediate);
  Pack<Bf16, N> up_out;
  for (int j = 0; j < N; ++j) {
    const Slope slope = silu(to_float(first.numbers[j]));
    out.numbers[j] = to_bf16(gradient.numbers[j] * to_float(up.numbers[j]) * slope.derivative);
    up_out.numbers[j] = to_bf16(gradient.numbers[j] * slope.value);
  }
  store_pack(inner_gradient + begin, out);
  store_pack(inner_gradient + begin + shape.intermediate, up_out);
}

// One block per row.
__global__ void weigh_kernel(ActivationShape shape, const Bf16* inner, int64_t hidden, float* weights,
                             float* activated_gradient, Bf16* output_gradient) {
  const int64_t row = blockIdx.x;
  const Bf16* in = inner + row * shape.up_width();
  float* gradient = activated_gradient + row * shape.intermediate;
  const float weight = weights[row];
  float sum = 0;
  for (int64_t j = threadIdx.x; j < shape.intermediate; j += blockDim.x) {
    const float first = to_float(in[j]);
    const float active = shape.gated ? silu(first).value * to_float(in[shape.intermediate + j]) : gelu(first).value;
    sum += active * gradient[j];
    gradient[j] *= weight;
  }
  Bf16* output = output_gradient + row * hidden;
  for (int64_t j = threadIdx.x; j < hidden; j += blockDim.x) output[j] = to_bf16(to_float(output[j]) * weight);
  sum = block_reduce<Sum>(sum, 0.f);  // all have read the weight when it ends
  if (threadIdx.x == 0) weights[row] = sum;
}

}  // namespace

void weigh_rows(const SmStream& stream, const ActivationShape& shape, const Bf16* inner, int64_t hidden, float* weights,
                float* activated_gradient, Bf16* output_gradient) {
  if (shape.rows == 0) return;
  PIPELOOM_LAUNCH(weigh_kernel, ({static_cast<unsigned>(shape.rows), row_threads(hidden), 0}), stream, shape, inner,
                  hidden, weights, activated_gradient, output_gradient);
}

void activate(const SmStream& stream, const ActivationShape& shape, const Bf16* inner, Bf16* activated) {
  const int64_t count = shape.rows * shape.intermediate;
  if (count == 0) return;
  if (shape.intermediate % 4 == 0) {
    PIPELOOM_LAUNCH(activate_kernel<4>, ({blocks_for(count, 4 * kThreads), kThreads, 0}), stream, shape, inner,
                    activated);
  } else {
    PIPELOOM_LAUNCH(activate_kernel<1>, ({blocks_for(count, kThreads), kThreads, 0}), stream, shape, inner, activated);
  }
}

void activate_backward(const SmStream& stream, const ActivationShape& shape, const Bf16* inner,
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

}  // namespace pipeloom::backend
