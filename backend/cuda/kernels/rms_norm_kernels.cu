#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/device/kernels/rms_norm_kernels.h"

namespace pipeloom::backend {

namespace {

constexpr float kEpsilon = 1e-6f;  // as backend/model/rms_norm.cpp

// N numbers at a time.
template <int N>
__device__ inline void write_output(const RmsNormShape& shape, const Bf16* in, float inverse, const float* weight,
                                    Bf16* output) {
  for (int64_t j = threadIdx.x * N; j < shape.width; j += blockDim.x * N) {
    const auto pack = load_pack<N>(in + j);
    const auto weights = load_pack<N>(weight + j);
    Pack<Bf16, N> rounded;
    for (int i = 0; i < N; ++i) rounded.numbers[i] = to_bf16(to_float(pack.numbers[i]) * inverse * weights.numbers[i]);
    store_pack(output + j, rounded);
  }
}

// One block per row.
template <int N>
__global__ void forward_kernel(RmsNormShape shape, TokenRows<const Bf16> x, const float* weight, RmsNormSaved saved,
                               TokenRows<Bf16> output) {
  const int64_t row = blockIdx.x;
  const Bf16* in = x.data + row * x.stride;
  float squares = 0;
  for (int64_t j = threadIdx.x * N; j < shape.width; j += blockDim.x * N) {
    const auto pack = load_pack<N>(in + j);
    for (const Bf16 number : pack.numbers) squares += to_float(number) * to_float(number);
    store_pack(saved.input + row * shape.width + j, pack);
  }
  squares = block_reduce<Sum>(squares, 0.f);
  const float inverse = 1 / sqrtf(squares / static_cast<float>(shape.width) + kEpsilon);
  if (threadIdx.x == 0) saved.inverse[row] = inverse;
  write_output<N>(shape, in, inverse, weight, output.data + row * output.stride);
}

template <int N>
__global__ void output_kernel(RmsNormShape shape, RmsNormSaved saved, const float* weight, TokenRows<Bf16> output) {
  const int64_t row = blockIdx.x;
  write_output<N>(shape, saved.input + row * shape.width, saved.inverse[row], weight,
                  output.data + row * output.stride);
}

// One block per row.
__global__ void input_backward_kernel(RmsNormShape shape, TokenRows<const float> output_gradient, const float* weight,
                                      RmsNormSaved saved, const Bf16* residual, TokenRows<Bf16> x_gradient) {
  const int64_t row = blockIdx.x;
  const int64_t begin = row * shape.width;
  const float inverse = saved.inverse[row];
  const float* dy = output_gradient.data + row * output_gradient.stride;
  float along = 0;  // what of the gradient only scales the row
  for (int64_t j = threadIdx.x; j < shape.width; j += blockDim.x) {
    along += dy[j] * weight[j] * (to_float(saved.input[begin + j]) * inverse);
  }
  along = block_reduce<Sum>(along, 0.f) / static_cast<float>(shape.width);
  for (int64_t j = threadIdx.x; j < shape.width; j += blockDim.x) {
    const float normalised = to_float(saved.input[begin + j]) * inverse;
    const float gradient = inverse * (dy[j] * weight[j] - normalised * along);
    const float before = residual == nullptr ? 0 : to_float(residual[begin + j]);
    x_gradient.data[row * x_gradient.stride + j] = to_bf16(before + gradient);
  }
}

constexpr int kRowsAtOnce = 8;

// One block per 32 columns; each of its warps takes every eighth row.
__global__ void weight_gradient_kernel(RmsNormShape shape, TokenRows<const float> output_gradient, RmsNormSaved saved,
                                       float* weight_gradient) {
  __shared__ float sums[kRowsAtOnce][kWarp];
  const int64_t j = static_cast<int64_t>(blockIdx.x) * kWarp + threadIdx.x;
  float sum = 0;
  if (j < shape.width) {
    for (int64_t row = threadIdx.y; row < shape.rows; row += kRowsAtOnce) {
      sum += output_gradient.data[row * output_gradient.stride + j] *
             (to_float(saved.input[row * shape.width + j]) * saved.inverse[row]);
    }
  }
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || j >= shape.width) return;
  for (int i = 1; i < kRowsAtOnce; ++i) sum += sums[i][threadIdx.x];
  weight_gradient[j] = sum;
}

// Packs of four need every row to begin at one.
bool begins_at_packs(const void* data, int64_t stride, int64_t pack_bytes) {
  return stride % 4 == 0 && reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(pack_bytes) == 0;
}

}  // namespace

void rms_norm_forward(const SmStream& stream, const RmsNormShape& shape, TokenRows<const Bf16> x, const float* weight,
                      const RmsNormSaved& saved, TokenRows<Bf16> output) {
  if (shape.rows == 0) return;
  const auto blocks = static_cast<unsigned>(shape.rows);
  const bool whole = shape.width % 4 == 0 && begins_at_packs(x.data, x.stride, 8) && begins_at_packs(weight, 0, 16) &&
                     begins_at_packs(output.data, output.stride, 8);
  if (whole) {
    PIPELOOM_LAUNCH(forward_kernel<4>, ({blocks, row_threads(shape.width / 4), 0}), stream, shape, x, weight, saved,
                    output);
  } else {
    PIPELOOM_LAUNCH(forward_kernel<1>, ({blocks, row_threads(shape.width), 0}), stream, shape, x, weight, saved,
                    output);
  }
}

void rms_norm_output(const SmStream& stream, const RmsNormShape& shape, const RmsNormSaved& saved, const float* weight,
                     TokenRows<Bf16> output) {
  if (shape.rows == 0) return;
  const auto blocks = static_cast<unsigned>(shape.rows);
  const bool whole =
      shape.width % 4 == 0 && begins_at_packs(weight, 0, 16) && begins_at_packs(output.data, output.stride, 8);
  if (whole) {
    PIPELOOM_LAUNCH(output_kernel<4>, ({blocks, row_threads(shape.width / 4), 0}), stream, shape, saved, weight,
                    output);
  } else {
    PIPELOOM_LAUNCH(output_kernel<1>, ({blocks, row_threads(shape.width), 0}), stream, shape, saved, weight, output);
  }
}

void rms_norm_input_backward(const SmStream& stream, const RmsNormShape& shape, TokenRows<const float> output_gradient,
                             const float* weight, const RmsNormSaved& saved, const Bf16* residual,
                             TokenRows<Bf16> x_gradient) {
  if (shape.rows == 0) return;
  PIPELOOM_LAUNCH(input_backward_kernel, ({static_cast<unsigned>(shape.rows), row_threads(shape.width), 0}), stream,
                  shape, output_gradient, weight, saved, residual, x_gradient);
}

void rms_norm_weight_gradient(const SmStream& stream, const RmsNormShape& shape, TokenRows<const float> output_gradient,
                              const RmsNormSaved& saved, float* weight_gradient) {
  PIPELOOM_LAUNCH(weight_gradient_kernel, ({blocks_for(shape.width, kWarp), dim3(kWarp, kRowsAtOnce), 0}), stream,
                  shape, output_gradient, saved, weight_gradient);
}

}  // namespace pipeloom::backend
