#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/device/kernels/fp8_kernels.h"

namespace pipeloom::backend {

namespace {

constexpr int kPerLane = kFp8Tile / kWarp;
constexpr int kWarps = 8;

__device__ inline float scale_of(float most) {
  return most > 0 ? most / kLargestE4m3 : 1;
}

// One warp per tile; each lane has four neighbours of it.
__global__ void rows_kernel(const Bf16* values, int64_t rows, int64_t inner, int64_t padded, E4m3* numbers,
                            float* scales) {
  const int64_t tiles = (inner + kFp8Tile - 1) / kFp8Tile;
  const int64_t number = global_thread() / kWarp;
  if (number >= rows * tiles) return;  // whole warps
  const int64_t row = number / tiles;
  const int64_t tile = number % tiles;
  const int64_t begin = tile * kFp8Tile + threadIdx.x % kWarp * kPerLane;
  float own[kPerLane];
  float most = 0;
  for (int i = 0; i < kPerLane; ++i) {
    own[i] = begin + i < inner ? to_float(values[row * inner + begin + i]) : 0;
    most = fmaxf(most, fabsf(own[i]));
  }
  const float scale = scale_of(warp_reduce<Largest>(most));
  if (threadIdx.x % kWarp == 0) scales[tile * rows + row] = scale;
  Pack<E4m3, kPerLane> out;
  for (int i = 0; i < kPerLane; ++i) out.numbers[i] = to_e4m3(own[i] / scale);
  store_pack(numbers + row * padded + begin, out);
}

// One block of 8 warps for 128 of the inner dimension by 32 rows of the result; turned in shared memory.
__global__ void columns_kernel(const Bf16* values, int64_t inner, int64_t rows, int64_t padded, E4m3* numbers,
                               float* scales) {
  __shared__ float tile[kFp8Tile][kWarp + 1];
  const int64_t first_row = static_cast<int64_t>(blockIdx.x) * kWarp;
  const int64_t first = static_cast<int64_t>(blockIdx.y) * kFp8Tile;
  const int lane = static_cast<int>(threadIdx.x);
  for (int k = static_cast<int>(threadIdx.y); k < kFp8Tile; k += kWarps) {
    const bool inside = first + k < inner && first_row + lane < rows;
    tile[k][lane] = inside ? to_float(values[(first + k) * rows + first_row + lane]) : 0;
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.y); i < kWarp && first_row + i < rows; i += kWarps) {
    float most = 0;
    for (int k = lane; k < kFp8Tile; k += kWarp) most = fmaxf(most, fabsf(tile[k][i]));
    const float scale = scale_of(warp_reduce<Largest>(most));
    if (lane == 0) scales[blockIdx.y * rows + first_row + i] = scale;
    const int64_t begin = first + lane * kPerLane;
    Pack<E4m3, kPerLane> out;
    for (int k = 0; k < kPerLane; ++k) out.numbers[k] = to_e4m3(tile[lane * kPerLane + k][i] / scale);
    store_pack(numbers + (first_row + i) * padded + begin, out);
  }
}

// One block of 8 warps for a 128x128 block of the weights; x counts along their rows.
__global__ void blocks_kernel(const float* weights, int64_t rows, int64_t columns, bool transposed, int64_t padded,
                              int64_t scales_stride, E4m3* numbers, float* scales) {
  __shared__ float turned[kWarp][kWarp + 1];
  const int64_t first_row = static_cast<int64_t>(blockIdx.y) * kFp8Tile;
  const int64_t first_column = static_cast<int64_t>(blockIdx.x) * kFp8Tile;
  const int lane = static_cast<int>(threadIdx.x);
  const int warp = static_cast<int>(threadIdx.y);
  const auto at = [&](int64_t row, int64_t column) {
    return row < rows && column < columns ? weights[row * columns + column] : 0.f;
  };
  float most = 0;
  for (int i = warp; i < kFp8Tile; i += kWarps) {
    for (int j = lane; j < kFp8Tile; j += kWarp) most = fmaxf(most, fabsf(at(first_row + i, first_column + j)));
  }
  most = warp_reduce<Largest>(most);
  __shared__ float of_warp[kWarps];
  if (lane == 0) of_warp[warp] = most;
  __syncthreads();
  for (int i = 0; i < kWarps; ++i) most = fmaxf(most, of_warp[i]);
  const float scale = scale_of(most);
  if (lane == 0 && warp == 0) {
    scales[transposed ? blockIdx.x * scales_stride + blockIdx.y : blockIdx.y * scales_stride + blockIdx.x] = scale;
  }
  // 32x32 at a time, so that what is written lies together also when it is turned.
  for (int64_t i = first_row; i < first_row + kFp8Tile; i += kWarp) {
    for (int64_t j = first_column; j < first_column + kFp8Tile; j += kWarp) {
      for (int k = warp; k < kWarp; k += kWarps) {
        if (!transposed) {
          if (i + k < rows) numbers[(i + k) * padded + j + lane] = to_e4m3(at(i + k, j + lane) / scale);
        } else {
          turned[k][lane] = at(i + k, j + lane);
        }
      }
      if (!transposed) continue;
      __syncthreads();
      for (int k = warp; k < kWarp; k += kWarps) {
        if (j + k < columns) numbers[(j + k) * padded + i + lane] = to_e4m3(turned[lane][k] / scale);
      }
      __syncthreads();
    }
  }
}

}  // namespace

void quantise_rows(const SmStream& stream, const Bf16* values, int64_t rows, int64_t inner, E4m3* numbers,
                   float* scales) {
  const int64_t warps = rows * fp8_tiles(inner);
  if (warps == 0) return;
  PIPELOOM_LAUNCH(rows_kernel, ({blocks_for(warps, kWarps), kWarps * kWarp, 0}), stream, values, rows, inner,
                  padded_inner(inner), numbers, scales);
}

void quantise_columns(const SmStream& stream, const Bf16* values, int64_t inner, int64_t rows, E4m3* numbers,
                      float* scales) {
  if (rows == 0 || inner == 0) return;
  const dim3 blocks(blocks_for(rows, kWarp), blocks_for(inner, kFp8Tile));
  PIPELOOM_LAUNCH(columns_kernel, ({blocks, dim3(kWarp, kWarps), 0}), stream, values, inner, rows, padded_inner(inner),
                  numbers, scales);
}

void quantise_blocks(const SmStream& stream, const float* weights, int64_t rows, int64_t inner, bool transposed,
                     E4m3* numbers, float* scales) {
  const int64_t stored_rows = transposed ? inner : rows;
  const int64_t stored_columns = transposed ? rows : inner;
  const dim3 blocks(blocks_for(stored_columns, kFp8Tile), blocks_for(stored_rows, kFp8Tile));
  PIPELOOM_LAUNCH(blocks_kernel, ({blocks, dim3(kWarp, kWarps), 0}), stream, weights, stored_rows, stored_columns,
                  transposed, padded_inner(inner), block_scales_stride(inner), numbers, scales);
}

}  // namespace pipeloom::backend
