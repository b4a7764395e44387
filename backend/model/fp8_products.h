#pragma once

#include "backend/model/products.h"
#include "backend/model/tensor_core.h"

namespace pipeloom::backend {

// A matrix of E4M3 numbers with a scale for each tile: number times scale is the value.
struct ScaledTiles {
  Matrix<float> numbers;
  Matrix<float> scales;  // [row of tiles][column]: the columns of a tile have the same
  int64_t tile_rows = 1;

  const float* scales_of_row(int64_t i) const { return scales.row(i / tile_rows); }
};
// The largest magnitude of a tile becomes the largest of E4M3. A tile of zeros has scale 1.
ScaledTiles scaled_tiles(View<const float> values, int64_t tile_rows, int64_t tile_columns);

inline constexpr int64_t kFp8Tile = 128;

// Products with both factors in E4M3 (DeepSeek-V3 report, arXiv 2412.19437, sections 3.3.1 and 3.3.2, figure 7): in
// times() and input_gradient() activations and gradients by tiles of 1x128 along the inner dimension, weights by blocks
// of 128x128; in add_weight_gradient() both by tiles of 128 tokens. Partial sums of 128 products are added as a tensor
// core does, and join an FP32 sum with their scales. A row of the result depends on its own row and on the weights
// alone.
const Products<float>& fp8_products();

}  // namespace pipeloom::backend
