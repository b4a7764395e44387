#include "backend/model/fp8_products.h"

#include <algorithm>
#include <cmath>

#include "backend/model/low_precision.h"

namespace pipeloom {

namespace {

Matrix<float> transposed(View<const float> values) {
  Matrix<float> result(values.columns, values.rows);
  for (int64_t i = 0; i < values.rows; ++i) {
    for (int64_t j = 0; j < values.columns; ++j) result.row(j)[i] = values.row(i)[j];
  }
  return result;
}

// c += a b, with scales that don't change within a tile of the inner dimension.
void add_scaled_product(const ScaledTiles& a, const ScaledTiles& b, View<float> c) {
  const int64_t inner = a.numbers.columns();
  Matrix<float> partial(c.rows, c.columns);
  for (int64_t k = 0; k < inner; k += kFp8Tile) {
    const int64_t count = std::min(kFp8Tile, inner - k);
    std::fill(partial.numbers().begin(), partial.numbers().end(), 0.f);
    add_tensor_core_product(a.numbers.view().columns_at(k, count), b.numbers.view().rows_at(k, count), {},
                            partial.view());
    for (int64_t i = 0; i < c.rows; ++i) {
      const float row_scale = a.scale_at(i, k);
      for (int64_t j = 0; j < c.columns; ++j) c.row(i)[j] += partial.row(i)[j] * (row_scale * b.scale_at(k, j));
    }
  }
}

class Fp8Products : public Products<float> {
 public:
  void multiply(Form form, View<const float> a, View<const float> b, View<float> c, Into into) const override {
    if (into == Into::kSet) {
      for (int64_t i = 0; i < c.rows; ++i) std::fill_n(c.row(i), c.columns, 0.f);
    }
    if (form == Form::kTransposedA) {  // tokens are the inner dimension of both
      const Matrix<float> turned = transposed(a);
      PIPELOOM_CHECK(turned.columns() == b.rows && turned.rows() == c.rows && b.columns == c.columns);
      return add_scaled_product(scaled_tiles(turned.view(), 1, kFp8Tile), scaled_tiles(b, kFp8Tile, 1), c);
    }
    const Matrix<float> turned = form == Form::kTransposedB ? transposed(b) : Matrix<float>();
    const View<const float> weights = form == Form::kTransposedB ? turned.view() : b;
    PIPELOOM_CHECK(a.columns == weights.rows && a.rows == c.rows && weights.columns == c.columns);
    add_scaled_product(scaled_tiles(a, 1, kFp8Tile), scaled_tiles(weights, kFp8Tile, kFp8Tile), c);
  }
};

}  // namespace

ScaledTiles scaled_tiles(View<const float> values, int64_t tile_rows, int64_t tile_columns) {
  const auto tiles_of = [](int64_t size, int64_t tile) { return (size + tile - 1) / tile; };
  ScaledTiles result{Matrix<float>(values.rows, values.columns),
                     Matrix<float>(tiles_of(values.rows, tile_rows), tiles_of(values.columns, tile_columns)), tile_rows,
                     tile_columns};
  for (int64_t i = 0; i < values.rows; ++i) {
    float* most = result.scales.row(i / tile_rows);
    for (int64_t j = 0; j < values.columns; ++j) {
      most[j / tile_columns] = std::max(most[j / tile_columns], std::abs(values.row(i)[j]));
    }
  }
  for (float& scale : result.scales.numbers()) scale = scale > 0 ? scale / largest(kE4m3Format) : 1;
  for (int64_t i = 0; i < values.rows; ++i) {
    for (int64_t j = 0; j < values.columns; ++j) {
      result.numbers.row(i)[j] = rounded(values.row(i)[j] / result.scale_at(i, j), kE4m3Format);
    }
  }
  return result;
}

const Products<float>& fp8_products() {
  static const Fp8Products products;
  return products;
}

}  // namespace pipeloom
