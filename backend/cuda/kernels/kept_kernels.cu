#include "backend/cuda/kernels/numbers.cuh"
#include "backend/cuda/kernels/reduce.cuh"
#include "backend/device/kernels/columns_kernels.h"
#include "backend/device/kernels/kept_kernels.h"
#include "core/base/check.h"

namespace pipeloom::backend {

namespace {

constexpr int kThreads = 256;
constexpr int kTile = kFormatTile;

__device__ inline int64_t tiles_of(int64_t columns) {
  return (columns + kTile - 1) / kTile;
}

// A tile of a row, which one warp stores.
struct Tile {
  int64_t number = 0;  // of all
  int64_t row = 0;
  int64_t first = 0;  // column
  int64_t end = 0;
  int lane = 0;
};
__device__ inline Tile tile_of(int64_t columns) {
  Tile tile;
  tile.number = global_thread() / kWarp;
  tile.row = tile.number / tiles_of(columns);
  tile.first = tile.number % tiles_of(columns) * kTile;
  tile.end = tile.first + kTile < columns ? tile.first + kTile : columns;
  tile.lane = static_cast<int>(threadIdx.x) % kWarp;
  return tile;
}

// Of the tile, and where it is kept.
__device__ inline float scale_of(const Tile& tile, const Bf16* row, float largest, float* scales) {
  float most = 0;
  for (int64_t j = tile.first + tile.lane; j < tile.end; j += kWarp) most = fmaxf(most, fabsf(to_float(row[j])));
  const float scale = storing_scale(warp_reduce<Largest>(most), largest);
  if (tile.lane == 0) scales[tile.number] = scale;
  return scale;
}

// --- FP8 ---

__global__ void store_fp8_kernel(const Bf16* values, int64_t rows, int64_t columns, float* scales, E4m3* numbers) {
  const Tile tile = tile_of(columns);
  if (tile.row >= rows) return;  // whole warps
  const Bf16* row = values + tile.row * columns;
  const float scale = scale_of(tile, row, kLargestE4m3, scales);
  for (int64_t j = tile.first + tile.lane; j < tile.end; j += kWarp) {
    numbers[tile.row * columns + j] = to_e4m3(to_float(row[j]) / scale);
  }
}

__global__ void load_fp8_kernel(const float* scales, const E4m3* numbers, int64_t rows, int64_t columns, Bf16* values) {
  const int64_t i = global_thread();
  if (i >= rows * columns) return;
  const float scale = scales[i / columns * tiles_of(columns) + i % columns / kTile];
  values[i] = to_bf16(to_float(numbers[i]) * scale);
}

// --- E5M6: two numbers in three bytes ---

constexpr int kE5m6Fraction = 6;
constexpr int kE5m6Least = -14;  // exponent of normal numbers
constexpr float kE5m6Largest = 65024;
constexpr uint32_t kE5m6Sign = 1u << 11;

// The nearest, ties to the even one; what is larger than the largest becomes that. All ones: NaN.
__device__ inline uint32_t to_e5m6(float value) {
  if (value != value) return kE5m6Sign - 1;
  const uint32_t sign = __float_as_uint(value) >> 31 != 0 ? kE5m6Sign : 0;
  const float magnitude = fminf(fabsf(value), kE5m6Largest);
  const auto exponent_of = [](float number) {
    const int exponent = static_cast<int>(__float_as_uint(number) >> 23) - 127;
    return exponent < kE5m6Least ? kE5m6Least : exponent;
  };
  // Adding a large number leaves no bits below the unit.
  const float no_fraction = 1.5f * power_of_two(exponent_of(magnitude) - kE5m6Fraction + 23);
  const float nearest = fminf((magnitude + no_fraction) - no_fraction, kE5m6Largest);
  const int exponent = exponent_of(nearest);
  // With its leading one, if it has one: that carries into the exponent.
  const auto units = static_cast<uint32_t>(nearest * power_of_two(kE5m6Fraction - exponent));
  return sign | ((static_cast<uint32_t>(exponent - kE5m6Least) << kE5m6Fraction) + units);
}

__device__ inline float from_e5m6(uint32_t code) {
  const int magnitude = static_cast<int>(code & (kE5m6Sign - 1));
  if (magnitude == kE5m6Sign - 1) return __uint_as_float(0x7fc00000);
  const int field = magnitude >> kE5m6Fraction;
  const int units = (magnitude & ((1 << kE5m6Fraction) - 1)) + (field > 0 ? 1 << kE5m6Fraction : 0);
  const float value =
      static_cast<float>(units) * power_of_two((field > 0 ? field - 1 : 0) + kE5m6Least - kE5m6Fraction);
  return (code & kE5m6Sign) != 0 ? -value : value;
}

__device__ inline int64_t e5m6_row_bytes(int64_t columns) {
  return (3 * columns + 1) / 2;
}

__global__ void store_e5m6_kernel(const Bf16* values, int64_t rows, int64_t columns, float* scales,
                                  unsigned char* numbers) {
  const Tile tile = tile_of(columns);
  if (tile.row >= rows) return;  // whole warps
  const Bf16* row = values + tile.row * columns;
  const float scale = scale_of(tile, row, kE5m6Largest, scales);
  unsigned char* stored = numbers + tile.row * e5m6_row_bytes(columns);
  for (int64_t j = tile.first + 2 * tile.lane; j < tile.end; j += 2 * kWarp) {
    const bool both = j + 1 < columns;
    const uint32_t first = to_e5m6(to_float(row[j]) / scale);
    const uint32_t codes = first | (both ? to_e5m6(to_float(row[j + 1]) / scale) : 0) << 12;
    unsigned char* to = stored + j / 2 * 3;
    for (int byte = 0; byte < (both ? 3 : 2); ++byte) to[byte] = static_cast<unsigned char>(codes >> (8 * byte));
  }
}

// One thread per pair.
__global__ void load_e5m6_kernel(const float* scales, const unsigned char* numbers, int64_t rows, int64_t columns,
                                 Bf16* values) {
  const int64_t pairs = (columns + 1) / 2;
  const int64_t i = global_thread();
  if (i >= rows * pairs) return;
  const int64_t row = i / pairs;
  const int64_t j = i % pairs * 2;
  const bool both = j + 1 < columns;
  const float scale = scales[row * tiles_of(columns) + j / kTile];
  const unsigned char* from = numbers + row * e5m6_row_bytes(columns) + i % pairs * 3;
  const uint32_t codes = from[0] | uint32_t{from[1]} << 8 | (both ? uint32_t{from[2]} << 16 : 0);
  Bf16* to = values + row * columns + j;
  to[0] = to_bf16(from_e5m6(codes & 0xfff) * scale);
  if (both) to[1] = to_bf16(from_e5m6(codes >> 12) * scale);
}

int64_t scales_count(int64_t rows, int64_t columns) {
  return rows * ((columns + kTile - 1) / kTile);
}

}  // namespace

int64_t stored_bytes(Format format, int64_t rows, int64_t columns) {
  if (format == Format::kBf16) return 2 * rows * columns;
  PIPELOOM_THROW_UNLESS(format == Format::kE5m6 || format == Format::kFp8);
  const int64_t row_bytes = format == Format::kFp8 ? columns : (3 * columns + 1) / 2;
  return rows * row_bytes + scales_count(rows, columns) * static_cast<int64_t>(sizeof(float));
}

void store(const SmStream& stream, Format format, const Bf16* values, int64_t rows, int64_t columns,
           unsigned char* stored) {
  if (rows * columns == 0) return;
  if (format == Format::kBf16) return copy_numbers(stream, values, rows * columns, reinterpret_cast<Bf16*>(stored));
  const int64_t tiles = scales_count(rows, columns);
  auto* scales = reinterpret_cast<float*>(stored);
  const Grid grid{blocks_for(tiles, kThreads / kWarp), kThreads, 0};
  if (format == Format::kE5m6) {
    ::pipeloom::backend::launch("store_e5m6_kernel", store_e5m6_kernel, grid, stream, values, rows, columns, scales,
                                reinterpret_cast<unsigned char*>(scales + tiles));
  } else {
    ::pipeloom::backend::launch("store_fp8_kernel", store_fp8_kernel, grid, stream, values, rows, columns, scales,
                                reinterpret_cast<E4m3*>(scales + tiles));
  }
}

void load(const SmStream& stream, Format format, const unsigned char* stored, int64_t rows, int64_t columns,
          Bf16* values) {
  if (rows * columns == 0) return;
  if (format == Format::kBf16) {
    return copy_numbers(stream, reinterpret_cast<const Bf16*>(stored), rows * columns, values);
  }
  const auto* scales = reinterpret_cast<const float*>(stored);
  const float* numbers = scales + scales_count(rows, columns);
  if (format == Format::kE5m6) {
    PIPELOOM_LAUNCH(load_e5m6_kernel, ({blocks_for(rows * ((columns + 1) / 2), kThreads), kThreads, 0}), stream, scales,
                    reinterpret_cast<const unsigned char*>(numbers), rows, columns, values);
  } else {
    PIPELOOM_LAUNCH(load_fp8_kernel, ({blocks_for(rows * columns, kThreads), kThreads, 0}), stream, scales,
                    reinterpret_cast<const E4m3*>(numbers), rows, columns, values);
  }
}

}  // namespace pipeloom::backend
