#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/cuda/kernels/rms_norm.h"

namespace pipeloom {

namespace {

constexpr float kEpsilon = 1e-6f;  // as backend/model/rms_norm.cpp

// One block per row, N numbers at a time.
template <int N>
__global__ void forward_kernel(RmsNormShape shape, const float* x, int64_t x_stride, const float* weight,
                               float* normalised, float* inverse, Bf16* output) {
  const int64_t row = blockIdx.x;
  const float* in = x + row * x_stride;
  float squares = 0;
  for (int64_t j = threadIdx.x * N; j < shape.width; j += blockDim.x * N) {
    const auto pack = load_pack<N>(in + j);
    for (const float number : pack.numbers) squares += number * number;
  }
  squares = block_reduce<Sum>(squares, 0.f);
  const float scale = 1 / sqrtf(squares / static_cast<float>(shape.width) + kEpsilon);
  if (threadIdx.x == 0) inverse[row] = scale;
  for (int64_t j = threadIdx.x * N; j < shape.width; j += blockDim.x * N) {
    auto pack = load_pack<N>(in + j);
    const auto weights = load_pack<N>(weight + j);
    Pack<Bf16, N> rounded;
    for (int i = 0; i < N; ++i) {
      pack.numbers[i] *= scale;
      rounded.numbers[i] = to_bf16(pack.numbers[i] * weights.numbers[i]);
    }
    store_pack(normalised + row * shape.width + j, pack);
    store_pack(output + row * shape.width + j, rounded);
  }
}

__global__ void output_kernel(RmsNormShape shape, const float* normalised, const float* weight, Bf16* output) {
  const int64_t i = global_thread();
  if (i < shape.rows * shape.width) output[i] = to_bf16(normalised[i] * weight[i % shape.width]);
}

// One block per row.
__global__ void input_backward_kernel(RmsNormShape shape, const float* output_gradient, const float* weight,
                                      const float* normalised, const float* inverse, const float* residual,
                                      float* x_gradient) {
  const int64_t begin = blockIdx.x * shape.width;
  float along = 0;  // what of the gradient only scales the row
  for (int64_t j = threadIdx.x; j < shape.width; j += blockDim.x) {
    along += output_gradient[begin + j] * weight[j] * normalised[begin + j];
  }
  along = block_reduce<Sum>(along, 0.f) / static_cast<float>(shape.width);
  for (int64_t j = threadIdx.x; j < shape.width; j += blockDim.x) {
    const float gradient =
        inverse[blockIdx.x] * (output_gradient[begin + j] * weight[j] - normalised[begin + j] * along);
    x_gradient[begin + j] = residual == nullptr ? gradient : residual[begin + j] + gradient;
  }
}

constexpr int kRowsAtOnce = 8;

// One block per 32 columns; each of its warps takes every eighth row.
__global__ void weight_backward_kernel(RmsNormShape shape, const float* output_gradient, const float* normalised,
                                       float* weight_gradient) {
  __shared__ float sums[kRowsAtOnce][kWarp];
  const int64_t j = static_cast<int64_t>(blockIdx.x) * kWarp + threadIdx.x;
  float sum = 0;
  if (j < shape.width) {
    for (int64_t row = threadIdx.y; row < shape.rows; row += kRowsAtOnce) {
      sum += output_gradient[row * shape.width + j] * normalised[row * shape.width + j];
    }
  }
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || j >= shape.width) return;
  for (int i = 1; i < kRowsAtOnce; ++i) sum += sums[i][threadIdx.x];
  weight_gradient[j] += sum;
}

}  // namespace

void rms_norm_forward(const SmStream& stream, const RmsNormShape& shape, const float* x, int64_t x_stride,
                      const float* weight, float* normalised, float* inverse, Bf16* output) {
  if (shape.rows == 0) return;
  const auto blocks = static_cast<unsigned>(shape.rows);
  // Packs need every row to begin at one; weights begin anywhere in their block.
  const bool whole = shape.width % 4 == 0 && x_stride % 4 == 0 && reinterpret_cast<uintptr_t>(x) % 16 == 0 &&
                     reinterpret_cast<uintptr_t>(weight) % 16 == 0;
  if (whole) {
    PIPELOOM_LAUNCH(forward_kernel<4>, ({blocks, row_threads(shape.width / 4), 0}), stream, shape, x, x_stride, weight,
                    normalised, inverse, output);
  } else {
    PIPELOOM_LAUNCH(forward_kernel<1>, ({blocks, row_threads(shape.width), 0}), stream, shape, x, x_stride, weight,
                    normalised, inverse, output);
  }
}

void rms_norm_output(const SmStream& stream, const RmsNormShape& shape, const float* normalised, const float* weight,
                     Bf16* output) {
  if (shape.rows == 0) return;
  PIPELOOM_LAUNCH(output_kernel, ({blocks_for(shape.rows * shape.width, 256), 256, 0}), stream, shape, normalised,
                  weight, output);
}

void rms_norm_input_backward(const SmStream& stream, const RmsNormShape& shape, const float* output_gradient,
                             const float* weight, const float* normalised, const float* inverse, const float* residual,
                             float* x_gradient) {
  if (shape.rows == 0) return;
  PIPELOOM_LAUNCH(input_backward_kernel, ({static_cast<unsigned>(shape.rows), row_threads(shape.width), 0}), stream,
                  shape, output_gradient, weight, normalised, inverse, residual, x_gradient);
}

void rms_norm_weight_backward(const SmStream& stream, const RmsNormShape& shape, const float* output_gradient,
                              const float* normalised, float* weight_gradient) {
  PIPELOOM_LAUNCH(weight_backward_kernel, ({blocks_for(shape.width, kWarp), dim3(kWarp, kRowsAtOnce), 0}), stream,
                  shape, output_gradient, normalised, weight_gradient);
}

}  // namespace pipeloom
