#pragma once

#include <cstdint>

#include "backend/device/kernels/numbers.h"
#include "backend/device/kernels/stream.h"
#include "backend/model/fp8_products.h"

namespace pipeloom::backend {

// Factors of FP8 products (DeepSeek-V3 report, arXiv 2412.19437, section 3.3.2): E4M3 numbers with a scale per tile
// whose largest magnitude becomes the largest of E4M3; a tile of zeros has scale 1. scaled_tiles in
// backend/model/fp8_products.h is the reference. The inner dimension of the product comes last, padded with zeros
// to whole tiles (tensor cores read whole 16 bytes); scales lie as cuBLASLt reads them.

inline int64_t padded_inner(int64_t inner) {
  return (inner + kFp8Tile - 1) / kFp8Tile * kFp8Tile;
}
inline int64_t fp8_tiles(int64_t inner) {
  return (inner + kFp8Tile - 1) / kFp8Tile;
}
// CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F: numbers from one row of blocks to the next.
inline int64_t block_scales_stride(int64_t inner) {
  return (fp8_tiles(inner) + 3) / 4 * 4;
}

// Of dense `values` [rows, inner]: numbers [rows, padded_inner] with a scale for every 1x128, [tile][row].
void quantise_rows(const SmStream& stream, const Bf16* values, int64_t rows, int64_t inner, E4m3* numbers,
                   float* scales);
// The same of the transpose of dense `values` [inner, rows].
void quantise_columns(const SmStream& stream, const Bf16* values, int64_t inner, int64_t rows, E4m3* numbers,
                      float* scales);
// Of dense weights [rows, inner], or of the transpose of weights [inner, rows]: a scale for every 128x128, [row of
// blocks][block_scales_stride].
void quantise_blocks(const SmStream& stream, const float* weights, int64_t rows, int64_t inner, bool transposed,
                     E4m3* numbers, float* scales);

}  // namespace pipeloom::backend
