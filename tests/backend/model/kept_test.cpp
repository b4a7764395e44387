#include "backend/model/kept.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backend/model/low_precision.h"
#include "tests/backend/support.h"

namespace pipeloom {
namespace {

using tests::random_matrix;

// Numbers of very different sizes.
Matrix<float> values(int64_t rows, int64_t columns) {
  Matrix<float> matrix = random_matrix<float>(rows, columns, 7);
  for (int64_t i = 0; i < matrix.size(); ++i) {
    matrix.numbers()[i] *= std::ldexp(1.0F, static_cast<int>(i * 37 % 9) - 4);
  }
  return matrix;
}

TEST(Kept, RoundsEachNumberToTheFormat) {
  const Matrix<float> matrix = values(5, 7);
  for (const auto& [format, numbers] : {std::pair{Format::kBf16, kBf16Format}, {Format::kE5m6, kE5m6Format}}) {
    const Matrix<float> kept = Kept<float>(matrix, format).values();
    ASSERT_EQ(kept.rows(), 5);
    ASSERT_EQ(kept.columns(), 7);
    for (int64_t i = 0; i < matrix.size(); ++i) {
      EXPECT_EQ(kept.numbers()[i], rounded(matrix.numbers()[i], numbers)) << format_name(format) << " " << i;
    }
  }
  for (const Format format : {Format::kFp32, Format::kFp16}) EXPECT_EQ(Kept<float>(matrix, format).values(), matrix);
}

// E4M3 of each tile over its scale, which is the least power of two that keeps the largest number below 448.
TEST(Kept, Fp8HasAScaleForEachTileOfARow) {
  const Matrix<float> matrix = values(3, 300);
  const Matrix<float> kept = Kept<float>(matrix, Format::kFp8).values();
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t tile = 0; tile < 300; tile += 128) {
      const int64_t end = std::min<int64_t>(tile + 128, 300);
      float most = 0;
      for (int64_t j = tile; j < end; ++j) most = std::max(most, std::abs(matrix.row(i)[j]));
      float scale = 0x1p-40F;
      while (scale * 448 < most) scale *= 2;
      for (int64_t j = tile; j < end; ++j) {
        EXPECT_EQ(kept.row(i)[j], rounded(matrix.row(i)[j] / scale, kE4m3Format) * scale) << i << " " << j;
      }
    }
  }
}

TEST(Kept, WhatWasStoredOnceIsStoredAgainWithoutLoss) {
  for (const Format format : {Format::kBf16, Format::kE5m6, Format::kFp8}) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const Matrix<float> once = rounded_to(random_matrix<float>(2, 130, seed), format);
      EXPECT_EQ(rounded_to(once, format), once) << format_name(format) << " " << seed;
    }
  }
}

TEST(Kept, ZerosAndTheSmallestNumbersStayFinite) {
  Matrix<float> matrix(1, 3);
  matrix.row(0)[1] = std::numeric_limits<float>::denorm_min();
  for (const Format format : {Format::kBf16, Format::kE5m6, Format::kFp8}) {
    const Matrix<float> kept = Kept<float>(matrix, format).values();
    EXPECT_EQ(kept.row(0)[0], 0);
    EXPECT_TRUE(std::isfinite(kept.row(0)[1]));
    EXPECT_LE(kept.row(0)[1], 0x1p-126F);
  }
}

TEST(Kept, TakesTheBytesOfItsFormatAndCountsThem) {
  const auto bytes = [](Format format, int64_t columns) {
    const int64_t before = matrix_memory().kept_bytes;
    const Kept<float> kept(random_matrix<float>(4, columns, 1), format);
    const int64_t held = matrix_memory().kept_bytes - before;
    EXPECT_EQ(held, packed_bytes(format, 4, columns));
    EXPECT_EQ(static_cast<double>(held), 4 * row_bytes(format, static_cast<double>(columns)));
    return held;
  };
  EXPECT_EQ(bytes(Format::kFp32, 130), 4 * 4 * 130);
  EXPECT_EQ(bytes(Format::kBf16, 130), 4 * 2 * 130);
  EXPECT_EQ(bytes(Format::kE5m6, 130), 4 * 195);
  EXPECT_EQ(bytes(Format::kFp8, 130), 4 * (130 + 2 * 4));
  EXPECT_EQ(bytes(Format::kFp8, 128), 4 * (128 + 4));
}

TEST(Kept, OfDoublesEveryFormatIsExact) {
  const Matrix<double> matrix = random_matrix<double>(3, 4, 1);
  EXPECT_EQ(Kept<double>(matrix, Format::kFp8).values(), matrix);
}

}  // namespace
}  // namespace pipeloom
