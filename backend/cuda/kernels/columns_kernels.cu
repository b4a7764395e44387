#include "backend/cuda/kernels/numbers.cuh"
#include "backend/device/kernels/columns_kernels.h"

namespace pipeloom::backend {

namespace {

constexpr unsigned kThreads = 256;

template <typename From, typename To>
__global__ void move_kernel(HeadShape shape, HeadColumns<const From> from, HeadColumns<To> to) {
  const int64_t i = global_thread();
  if (i >= shape.rows * shape.heads * shape.columns) return;
  const int64_t column = i % shape.columns;
  const int64_t head = i / shape.columns % shape.heads;
  const int64_t row = i / shape.columns / shape.heads;
  set_number(to_float(from.data[row * from.row_stride + head * from.head_stride + column]),
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

__global__ void zero_kernel(int64_t count, float* numbers) {
  const int64_t i = global_thread();
  if (i < count) numbers[i] = 0;
}

__global__ void copy_kernel(const Bf16* from, int64_t count, Bf16* to) {
  const int64_t i = global_thread() * 8;
  if (i + 8 <= count) return store_pack(to + i, load_pack<8>(from + i));
  for (int64_t j = i; j < count; ++j) to[j] = from[j];
}

__global__ void copy_each_kernel(const Bf16* from, int64_t count, Bf16* to) {
  const int64_t i = global_thread();
  if (i < count) to[i] = from[i];
}

template <typename Number>
__global__ void add_kernel(const float* from, int64_t count, Number* to) {
  const int64_t i = global_thread();
  if (i < count) set_number(to_float(to[i]) + from[i], to + i);
}

template <typename Number>
void launch_add(const SmStream& stream, const float* from, int64_t count, Number* to) {
  if (count == 0) return;
  PIPELOOM_LAUNCH(add_kernel<Number>, ({blocks_for(count, kThreads), kThreads, 0}), stream, from, count, to);
}

template <typename From, typename To>
void launch_move(const SmStream& stream, const HeadShape& shape, HeadColumns<const From> from, HeadColumns<To> to) {
  if (shape.size() == 0) return;
  const Grid grid{blocks_for(shape.size(), kThreads), kThreads, 0};
  ::pipeloom::backend::launch("move_kernel", move_kernel<From, To>, grid, stream, shape, from, to);
}

}  // namespace

void move_columns(const SmStream& stream, const HeadShape& shape, HeadColumns<const float> from, HeadColumns<Bf16> to) {
  launch_move(stream, shape, from, to);
}

void move_columns(const SmStream& stream, const HeadShape& shape, HeadColumns<const Bf16> from, HeadColumns<float> to) {
  launch_move(stream, shape, from, to);
}

void move_columns(const SmStream& stream, const HeadShape& shape, HeadColumns<const Bf16> from, HeadColumns<Bf16> to) {
  launch_move(stream, shape, from, to);
}

void sum_heads(const SmStream& stream, const HeadShape& shape, HeadColumns<const float> from, HeadColumns<float> to) {
  if (shape.size() == 0) return;
  PIPELOOM_LAUNCH(sum_heads_kernel, ({blocks_for(shape.rows * shape.columns, kThreads), kThreads, 0}), stream, shape,
                  from, to);
}

void copy_numbers(const SmStream& stream, const Bf16* from, int64_t count, Bf16* to) {
  if (count == 0) return;
  if (reinterpret_cast<uintptr_t>(from) % 16 == 0 && reinterpret_cast<uintptr_t>(to) % 16 == 0) {
    PIPELOOM_LAUNCH(copy_kernel, ({blocks_for(count, 8 * kThreads), kThreads, 0}), stream, from, count, to);
  } else {
    PIPELOOM_LAUNCH(copy_each_kernel, ({blocks_for(count, kThreads), kThreads, 0}), stream, from, count, to);
  }
}

void set_zero(const SmStream& stream, int64_t count, float* numbers) {
  if (count == 0) return;
  PIPELOOM_LAUNCH(zero_kernel, ({blocks_for(count, kThreads), kThreads, 0}), stream, count, numbers);
}

void add_numbers(const SmStream& stream, const float* from, int64_t count, float* to) {
  launch_add(stream, from, count, to);
}

void add_numbers(const SmStream& stream, const float* from, int64_t count, Bf16* to) {
  launch_add(stream, from, count, to);
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

}  // namespace pipeloom::backend
