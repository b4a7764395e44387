#include "backend/device/kernels/fp8_kernels.h"

#include <gtest/gtest.h>

#include "backend/model/fp8_products.h"
#include "backend/model/low_precision.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Fp8);

float number_of(backend::E4m3 code) {
  return backend::decode(code.bits, backend::kE4m3Format);
}

// `reference` has the inner dimension along its rows where `turned`, else along its columns.
void expect_same(const backend::ScaledTiles& reference, bool turned, int64_t rows, int64_t inner,
                 const std::vector<backend::E4m3>& numbers, const auto& scale_of) {
  const int64_t padded = backend::padded_inner(inner);
  ASSERT_EQ(static_cast<int64_t>(numbers.size()), rows * padded);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t k = 0; k < padded; ++k) {
      const float actual = number_of(numbers[row * padded + k]);
      if (k >= inner) {
        ASSERT_EQ(actual, 0) << "padding of row " << row;
        continue;
      }
      const int64_t i = turned ? k : row;
      const int64_t j = turned ? row : k;
      ASSERT_EQ(scale_of(row, k), reference.scales_of_row(i)[j]) << row << ", " << k;
      ASSERT_EQ(actual, reference.numbers.row(i)[j]) << row << ", " << k;
    }
  }
}

struct Size {
  int64_t rows;
  int64_t inner;
};
const Size kSizes[] = {{1, 1}, {3, 16}, {5, 130}, {40, 128}, {33, 300}, {130, 260}};

// Of very different sizes, with a tile of zeros.
backend::Matrix<float> values_of(int64_t rows, int64_t columns) {
  backend::Matrix<float> values(rows, columns);
  values.numbers() = random_floats(rows * columns, 21);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) values.row(i)[j] *= (i % 3 == 0 ? 1e-3F : 50.F);
    if (i % 5 == 1) std::fill_n(values.row(i), columns, 0.F);
  }
  values.numbers() = widened(rounded_to_bf16(values.numbers()));
  return values;
}

DEVICE_TEST(Fp8, RowsAreScaledAsTheReference) {
  for (const auto& [rows, inner] : kSizes) {
    const backend::Matrix<float> values = values_of(rows, inner);
    const DeviceArray<backend::Bf16> device(rounded_to_bf16(values.numbers()));
    const DeviceArray<backend::E4m3> numbers(rows * backend::padded_inner(inner));
    const DeviceArray<float> scales(rows * backend::fp8_tiles(inner));
    backend::quantise_rows(device_stream(), device, rows, inner, numbers, scales);
    const auto device_scales = scales.numbers();
    expect_same(backend::scaled_tiles(values.view(), 1, backend::kFp8Tile), false, rows, inner, numbers.numbers(),
                [&](int64_t row, int64_t k) { return device_scales[k / backend::kFp8Tile * rows + row]; });
  }
}

DEVICE_TEST(Fp8, ColumnsAreScaledAndTurnedAsTheReference) {
  for (const auto& [rows, inner] : kSizes) {
    const backend::Matrix<float> values = values_of(inner, rows);
    const DeviceArray<backend::Bf16> device(rounded_to_bf16(values.numbers()));
    const DeviceArray<backend::E4m3> numbers(rows * backend::padded_inner(inner));
    const DeviceArray<float> scales(rows * backend::fp8_tiles(inner));
    backend::quantise_columns(device_stream(), device, inner, rows, numbers, scales);
    const auto device_scales = scales.numbers();
    expect_same(backend::scaled_tiles(values.view(), backend::kFp8Tile, 1), true, rows, inner, numbers.numbers(),
                [&](int64_t row, int64_t k) { return device_scales[k / backend::kFp8Tile * rows + row]; });
  }
}

DEVICE_TEST(Fp8, BlocksAreScaledAsTheReferenceTurnedOrNot) {
  for (const auto& [rows, inner] : kSizes) {
    for (const bool transposed : {false, true}) {
      const backend::Matrix<float> values = transposed ? values_of(inner, rows) : values_of(rows, inner);
      const DeviceArray<float> device(values.numbers());
      const DeviceArray<backend::E4m3> numbers(rows * backend::padded_inner(inner));
      const DeviceArray<float> scales(backend::fp8_tiles(rows) * backend::block_scales_stride(inner));
      backend::quantise_blocks(device_stream(), device, rows, inner, transposed, numbers, scales);
      const auto device_scales = scales.numbers();
      expect_same(
          backend::scaled_tiles(values.view(), backend::kFp8Tile, backend::kFp8Tile), transposed, rows, inner,
          numbers.numbers(), [&](int64_t row, int64_t k) {
            return device_scales[row / backend::kFp8Tile * backend::block_scales_stride(inner) + k / backend::kFp8Tile];
          });
    }
  }
}

}  // namespace
}  // namespace pipeloom::tests
