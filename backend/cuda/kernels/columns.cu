#include "backend/cuda/kernels/columns.h"
#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"

namespace pipeloom {

namespace {

constexpr unsigned kThreads = 256;

__device__ inline void set_number(float value, float* to) {
  *to = value;
}
__device__ inline void set_number(float value, Bf16* to) {
  *to = to_bf16(value);
}

template <typename Number>
__global__ void move_kernel(HeadShape shape, HeadColumns<const float> from, HeadColumns<Number> to) {
  const int64_t i = global_thread();
  if (i >= shape.rows * shape.heads * shape.columns) return;
  const int64_t column = i % shape.columns;
  const int64_t head = i / shape.columns % shape.heads;
  const int64_t row = i / shape.columns / shape.heads;
  set_number(from.data[row * from.row_stride + head * from.head_stride + column],
             to.data + row * to.row_stride + head * to.head_stride + column);
}

__global__ void sum_heads_kernel(HeadShape shape, HeadColumns<const float> from, HeadColumns<float> to) {
  const int64_t i = global_thread();
  if (i >= shape.rows * shape.columns) return;
  const int64_t column = i % shape.columns;
  const int64_t row = i / shape.columns;
  float sum = 0;
  for (int64_t head = 0; head < shape.heads; ++head) {
    sum += from.data[row * from.row_stride + head * from.head_stride + column];
  }
  to.data[row * to.row_stride + column] = sum;
}

__global__ void round_kernel(const float* from, int64_t count, Bf16* to) {
  const int64_t i = global_thread() * 4;
  if (i + 4 <= count) {
    const auto pack = load_pack<4>(from + i);
    Pack<Bf16, 4> rounded;
    for (int j = 0; j < 4; ++j) rounded.numbers[j] = to_bf16(pack.numbers[j]);
    store_pack(to + i, rounded);
    return;
  }
  for (int64_t j = i; j < count; ++j) to[j] = to_bf16(from[j]);
}

__global__ void round_each_kernel(const float* from, int64_t count, Bf16* to) {
  const int64_t i = global_thread();
  if (i < count) to[i] = to_bf16(from[i]);
}

__global__ void add_kernel(const float* from, int64_t count, float* to) {
  const int64_t i = global_thread();
  if (i < count) to[i] += from[i];
}

__global__ void copy_kernel(const float* from, int64_t count, float* to) {
  const int64_t i = global_thread();
  if (i < count) to[i] = from == nullptr ? 0 : from[i];
}

__global__ void copy_packs_kernel(const unsigned char* from, int64_t count, unsigned char* to) {
  const int64_t i = global_thread() * 16;
  if (i < count) store_pack(to + i, load_pack<16>(from + i));
}

__global__ void squares_kernel(const float* numbers, int64_t count, double* partial) {
  double sum = 0;
  for (int64_t i = global_thread(); i < count; i += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    sum += static_cast<double>(numbers[i]) * static_cast<double>(numbers[i]);
  }
  sum = block_reduce<Sum>(sum, 0.0);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void add_partial_kernel(const double* partial, double* sum) {
  const double all = block_reduce<Sum>(partial[threadIdx.x], 0.0);
  if (threadIdx.x == 0) *sum += all;
}

template <typename Number>
void launch_move(const SmStream& stream, const HeadShape& shape, HeadColumns<const float> from,
                 HeadColumns<Number> to) {
  if (shape.size() == 0) return;
  PIPELOOM_LAUNCH(move_kernel<Number>, ({blocks_for(shape.size(), kThreads), kThreads, 0}), stream, shape, from, to);
}

}  // namespace

void move_columns(const SmStream& stream, const HeadShape& shape, HeadColumns<const float> from,
                  HeadColumns<float> to) {
  launch_move(stream, shape, from, to);
}

void move_columns(const SmStream& stream, const HeadShape& shape, HeadColumns<const float> from, HeadColumns<Bf16> to) {
  launch_move(stream, shape, from, to);
}

void sum_heads(const SmStream& stream, const HeadShape& shape, HeadColumns<const float> from, HeadColumns<float> to) {
  if (shape.size() == 0) return;
  PIPELOOM_LAUNCH(sum_heads_kernel, ({blocks_for(shape.rows * shape.columns, kThreads), kThreads, 0}), stream, shape,
                  from, to);
}

void copy_numbers(const SmStream& stream, const float* from, int64_t count, float* to) {
  if (count == 0) return;
  PIPELOOM_LAUNCH(copy_kernel, ({blocks_for(count, kThreads), kThreads, 0}), stream, from, count, to);
}

void set_zero(const SmStream& stream, int64_t count, float* numbers) {
  if (count == 0) return;
  const float* nothing = nullptr;
  PIPELOOM_LAUNCH(copy_kernel, ({blocks_for(count, kThreads), kThreads, 0}), stream, nothing, count, numbers);
}

void copy_bytes(const SmStream& stream, const unsigned char* from, int64_t count, unsigned char* to) {
  if (count == 0) return;
  PIPELOOM_LAUNCH(copy_packs_kernel, ({blocks_for(count, 16 * kThreads), kThreads, 0}), stream, from, count, to);
}

void round_to_bf16(const SmStream& stream, const float* from, int64_t count, Bf16* to) {
  if (count == 0) return;
  const bool whole = reinterpret_cast<uintptr_t>(from) % 16 == 0 && reinterpret_cast<uintptr_t>(to) % 8 == 0;
  if (whole) {
    PIPELOOM_LAUNCH(round_kernel, ({blocks_for(count, 4 * kThreads), kThreads, 0}), stream, from, count, to);
  } else {
    PIPELOOM_LAUNCH(round_each_kernel, ({blocks_for(count, kThreads), kThreads, 0}), stream, from, count, to);
  }
}

void add_numbers(const SmStream& stream, const float* from, int64_t count, float* to) {
  if (count == 0) return;
  PIPELOOM_LAUNCH(add_kernel, ({blocks_for(count, kThreads), kThreads, 0}), stream, from, count, to);
}

void add_squares(const SmStream& stream, const float* numbers, int64_t count, double* partial, double* sum) {
  PIPELOOM_LAUNCH(squares_kernel, ({kSumBlocks, kThreads, 0}), stream, numbers, count, partial);
  PIPELOOM_LAUNCH(add_partial_kernel, ({1, kSumBlocks, 0}), stream, partial, sum);
}

}  // namespace pipeloom
