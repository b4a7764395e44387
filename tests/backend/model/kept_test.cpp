#include "backend/model/kept.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "backend/model/fp8_products.h"
#include "backend/model/low_precision.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
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

std::vector<float> finite_numbers_of_table(const std::string& name) {
  std::ifstream in(std::string(PIPELOOM_SOURCE) + "/tests/data/precision/" + name + ".csv");
  std::vector<float> numbers;
  std::string line;
  std::getline(in, line);  // header
  while (std::getline(in, line)) {
    const float number = std::strtof(line.c_str() + line.find(',') + 1, nullptr);
    if (std::isfinite(number)) numbers.push_back(number);
  }
  return numbers;
}

TEST(Kept, RoundsEachNumberToTheFormat) {
  const Matrix<float> matrix = values(5, 7);
  const Matrix<float> kept = Kept<float>(matrix, Format::kBf16).values();
  ASSERT_EQ(kept.rows(), 5);
  ASSERT_EQ(kept.columns(), 7);
  for (int64_t i = 0; i < matrix.size(); ++i) {
    EXPECT_EQ(kept.numbers()[i], rounded(matrix.numbers()[i], kBf16Format)) << i;
  }
  for (const Format format : {Format::kFp32, Format::kFp16}) EXPECT_EQ(Kept<float>(matrix, format).values(), matrix);
}

// The format's number of each over its tile's scale, which is the least power of two that keeps the largest number of
// the tile below the format's largest: 448 of E4M3, 65024 of E5M6.
TEST(Kept, Fp8AndE5m6HaveAScaleForEachTileOfARow) {
  const Matrix<float> matrix = values(3, 301);
  for (const auto& [format, numbers, largest] :
       {std::tuple{Format::kFp8, kE4m3Format, 448.F}, {Format::kE5m6, kE5m6Format, 65024.F}}) {
    const Matrix<float> kept = Kept<float>(matrix, format).values();
    for (int64_t i = 0; i < 3; ++i) {
      for (int64_t tile = 0; tile < 301; tile += 128) {
        const int64_t end = std::min<int64_t>(tile + 128, 301);
        float most = 0;
        for (int64_t j = tile; j < end; ++j) most = std::max(most, std::abs(matrix.row(i)[j]));
        float scale = 0x1p-40F;
        while (scale * largest < most) scale *= 2;
        for (int64_t j = tile; j < end; ++j) {
          EXPECT_EQ(kept.row(i)[j], rounded(matrix.row(i)[j] / scale, numbers) * scale)
              << format_name(format) << " " << i << " " << j;
        }
      }
    }
  }
}

// Numbers that are too large for E5M6 itself, or below its least.
TEST(Kept, E5m6HoldsNumbersOfAnySize) {
  for (const float size : {0x1p-100F, 0x1p-30F, 0x1p30F, 0x1p100F}) {
    Matrix<float> matrix = random_matrix<float>(2, 200, 3);
    for (float& number : matrix.numbers()) number *= size;
    const Matrix<float> kept = Kept<float>(matrix, Format::kE5m6).values();
    for (int64_t i = 0; i < matrix.size(); ++i) {
      const float number = matrix.numbers()[i];
      EXPECT_NEAR(kept.numbers()[i], number, std::abs(number) * 0x1p-7F + size * 0x1p-30F) << size;
    }
  }
}

// Every finite number of the formats' tables (tests/data/README.md says who computed them) times any scale comes back
// where its tile holds the largest.
TEST(Kept, EveryNumberOfATableTimesAScaleIsStoredWithoutLoss) {
  for (const auto& [format, name, largest] :
       {std::tuple{Format::kFp8, "e4m3", 448.F}, {Format::kE5m6, "e5m6", 65024.F}}) {
    const std::vector<float> numbers = finite_numbers_of_table(name);
    ASSERT_GT(numbers.size(), 250U);
    for (const int exponent : {-90, -20, -1, 0, 7, 60}) {
      const float scale = std::ldexp(1.0F, exponent);
      const auto tiles = static_cast<int64_t>(numbers.size() + 126) / 127;
      Matrix<float> matrix(1, tiles * 128);
      for (int64_t i = 0; i < matrix.size(); ++i) {
        const auto index = static_cast<size_t>(i - i / 128 - 1);
        matrix.numbers()[i] = scale * (i % 128 == 0 ? largest : index < numbers.size() ? numbers[index] : 0);
      }
      EXPECT_EQ(rounded_to(matrix, format), matrix) << name << " at 2^" << exponent;
    }
  }
}

// Of a factor of a W, whose rows are added up: what the product itself makes of it, so that nothing more is lost.
TEST(Kept, WithScalesOfColumnsAWLosesNothing) {
  const Matrix<float> x = values(300, 7);
  const Matrix<float> dy = random_matrix<float>(300, 5, 9);
  const auto gradient = [](const Matrix<float>& a, const Matrix<float>& b) {
    Matrix<float> result(a.columns(), b.columns());
    fp8_products().add_weight_gradient(a.view(), b.view(), result.view());
    return result;
  };
  const auto kept = [](const Matrix<float>& matrix, Scales scales) {
    return Kept<float>(matrix, Format::kFp8, scales).values();
  };
  const Matrix<float> direct = gradient(x, dy);
  const Matrix<float> columns = gradient(kept(x, Scales::kOfColumns), kept(dy, Scales::kOfColumns));
  const Matrix<float> rows = gradient(kept(x, Scales::kOfRows), kept(dy, Scales::kOfRows));
  double by_rows = 0;
  for (int64_t i = 0; i < direct.size(); ++i) {
    // A scale may be off by one in its last place.
    EXPECT_NEAR(columns.numbers()[i], direct.numbers()[i], 4e-6 * std::abs(direct.numbers()[i]) + 1e-6);
    by_rows = std::max(by_rows, static_cast<double>(std::abs(rows.numbers()[i] - direct.numbers()[i])));
  }
  EXPECT_GT(by_rows, 1e-2);
  EXPECT_EQ(packed_bytes(Format::kFp8, 300, 7, Scales::kOfColumns), 300 * 7 + 3 * 7 * 4);
  EXPECT_EQ(packed_bytes(Format::kBf16, 300, 7, Scales::kOfColumns), 300 * 7 * 2);
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
  EXPECT_EQ(bytes(Format::kE5m6, 130), 4 * (195 + 2 * 4));
  EXPECT_EQ(bytes(Format::kFp8, 130), 4 * (130 + 2 * 4));
  EXPECT_EQ(bytes(Format::kFp8, 128), 4 * (128 + 4));
}

TEST(Kept, OfDoublesEveryFormatIsExact) {
  const Matrix<double> matrix = random_matrix<double>(3, 4, 1);
  EXPECT_EQ(Kept<double>(matrix, Format::kFp8).values(), matrix);
}

}  // namespace
}  // namespace pipeloom::backend
