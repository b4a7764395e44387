#include "backend/model/fp8_products.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "backend/model/low_precision.h"

namespace pipeloom::backend {

namespace {

// As rounded(_, kE4m3Format) does, simple enough for vectors. The division by the scale may leave a value that is a
// rounding above the largest; it rounds to that.
float to_e4m3(float value) {
  constexpr uint32_t kOneExponent = uint32_t{1} << 23;
  constexpr uint32_t kLeast = static_cast<uint32_t>(127 + kE4m3Format.least_exponent()) * kOneExponent;
  const uint32_t exponent = std::max(std::bit_cast<uint32_t>(value) & 0x7f800000, kLeast);
  // Adding a large number leaves no bits below the unit.
  const float no_fraction =
      1.5f * std::bit_cast<float>(exponent + static_cast<uint32_t>(23 - kE4m3Format.fraction_bits) * kOneExponent);
  return (value + no_fraction) - no_fraction;
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
    const float* column_scales = b.scales_of_row(k);
    for (int64_t i = 0; i < c.rows; ++i) {
      const float row_scale = a.scales_of_row(i)[k];
      const float* sums = partial.row(i);
      float* out = c.row(i);
      for (int64_t j = 0; j < c.columns; ++j) out[j] += sums[j] * (row_scale * column_scales[j]);
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
      PIPELOOM_THROW_UNLESS(turned.columns() == b.rows && turned.rows() == c.rows && b.columns == c.columns);
      return add_scaled_product(scaled_tiles(turned.view(), 1, kFp8Tile), scaled_tiles(b, kFp8Tile, 1), c);
    }
    const Matrix<float> turned = form == Form::kTransposedB ? transposed(b) : Matrix<float>();
    const View<const float> weights = form == Form::kTransposedB ? turned.view() : b;
    PIPELOOM_THROW_UNLESS(a.columns == weights.rows && a.rows == c.rows && weights.columns == c.columns);
    add_scaled_product(scaled_tiles(a, 1, kFp8Tile), scaled_tiles(weights, kFp8Tile, kFp8Tile), c);
  }
};

}  // namespace

ScaledTiles scaled_tiles(View<const float> values, int64_t tile_rows, int64_t tile_columns) {
  ScaledTiles result{Matrix<float>(values.rows, values.columns),
                     Matrix<float>((values.rows + tile_rows - 1) / tile_rows, values.columns), tile_rows};
  for (int64_t i = 0; i < values.rows; ++i) {
    const float* in = values.row(i);
    float* most = result.scales.row(i / tile_rows);
    for (int64_t j = 0; j < values.columns; ++j) most[j] = std::max(most[j], std::abs(in[j]));
  }
  for (int64_t row = 0; row < result.scales.rows(); ++row) {
    for (int64_t j = 0; j < values.columns; j += tile_columns) {
      float* begin = result.scales.row(row) + j;
      float* end = begin + std::min(tile_columns, values.columns - j);
      const float most = *std::max_element(begin, end);
      std::fill(begin, end, most > 0 ? most / largest(kE4m3Format) : 1);
    }
  }
  for (int64_t i = 0; i < values.rows; ++i) {
    const float* in = values.row(i);
    const float* scales = result.scales_of_row(i);
    float* out = result.numbers.row(i);
    for (int64_t j = 0; j < values.columns; ++j) out[j] = to_e4m3(in[j] / scales[j]);
  }
  return result;
}

const Products<float>& fp8_products() {
  static const Fp8Products products;
  return products;
}

}  // namespace pipeloom::backend
