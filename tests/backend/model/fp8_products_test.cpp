#include "backend/model/fp8_products.h"

#include <gtest/gtest.h>

#include <cmath>

#include "backend/model/accumulation_error.h"
#include "backend/model/low_precision.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

using tests::random_matrix;

Matrix<float> e4m3(Matrix<float> values) {
  for (float& value : values.numbers()) value = rounded(64 * value, kE4m3Format);
  return values;
}

// One sum by the rule itself: integers in units of the last bit that is kept.
double added_by_rule(const std::vector<double>& terms, double sum, int bits) {
  double most = std::abs(sum);
  for (const double term : terms) most = std::max(most, std::abs(term));
  if (most == 0) return 0;
  const double unit = std::exp2(std::floor(std::log2(most)) - (bits - 1));
  double whole = std::trunc(sum / unit);
  for (const double term : terms) whole += std::trunc(term / unit);
  return whole * unit;
}

double by_rule(const Matrix<float>& a, const Matrix<float>& b, int64_t i, int64_t j, const Accumulation& how) {
  double total = 0;
  double sum = 0;
  for (int64_t k = 0; k < a.columns(); k += how.group) {
    std::vector<double> terms;
    for (int64_t at = k; at < std::min(k + how.group, a.columns()); ++at) {
      terms.push_back(static_cast<double>(a.row(i)[at]) * static_cast<double>(b.row(at)[j]));
    }
    sum = added_by_rule(terms, sum, how.bits);
    if (how.promote_every > 0 && (k + how.group) % how.promote_every == 0) {
      total = static_cast<float>(total + sum);
      sum = 0;
    }
  }
  return total + sum;
}

TEST(TensorCore, CutsOffWhatLiesBelowTheBitsThatAreKept) {
  const Matrix<float> a = e4m3(random_matrix<float>(3, 400, 1));
  const Matrix<float> b = e4m3(random_matrix<float>(400, 5, 2));
  for (const Accumulation& how : {Accumulation{}, Accumulation{14, 32, 0}, Accumulation{10, 16, 64}}) {
    Matrix<float> c(3, 5);
    add_tensor_core_product(a.view(), b.view(), how, c.view());
    for (int64_t i = 0; i < 3; ++i) {
      for (int64_t j = 0; j < 5; ++j) {
        EXPECT_NEAR(c.row(i)[j], by_rule(a, b, i, j, how), 1e-6 * std::abs(by_rule(a, b, i, j, how)))
            << how.bits << " bits at " << i << ", " << j;
      }
    }
  }
}

TEST(TensorCore, LosesASmallNumberBesideALargeOne) {
  Matrix<float> a(1, 2);
  Matrix<float> b(2, 1);
  a.row(0)[0] = 256;
  a.row(0)[1] = 0.0078125f;
  b.row(0)[0] = 16;
  b.row(1)[0] = 1;
  Matrix<float> c(1, 1);
  add_tensor_core_product(a.view(), b.view(), {}, c.view());
  EXPECT_EQ(c.row(0)[0], 4096);  // the last bit that is kept is worth a half
  a.row(0)[1] = 0.5f;
  add_tensor_core_product(a.view(), b.view(), {}, c.view());
  EXPECT_EQ(c.row(0)[0], 8192.5f);
}

TEST(TensorCore, OfZerosIsZero) {
  Matrix<float> c(2, 3);
  add_tensor_core_product(Matrix<float>(2, 40).view(), Matrix<float>(40, 3).view(), {}, c.view());
  EXPECT_EQ(c, Matrix<float>(2, 3));
}

// The claim of the report's section 3.3.2: about 2 % at 4096 products, which promotion every 128 takes away.
TEST(TensorCore, PromotionMakesTheErrorTenTimesSmaller) {
  const AccumulationError plain = accumulation_error(64, 4096, 1, {.promote_every = 0});
  const AccumulationError promoted = accumulation_error(64, 4096, 1, {.promote_every = 128});
  EXPECT_GT(plain.largest, 0.01);
  EXPECT_LT(plain.largest, 0.03);
  EXPECT_LT(promoted.largest, 0.1 * plain.largest);
}

TEST(ScaledTiles, FillTheFormatTileByTile) {
  Matrix<float> values(2, 200);
  for (int64_t j = 0; j < 200; ++j) {
    values.row(0)[j] = j < 128 ? 1.f : 1e-4f;
    values.row(1)[j] = j < 128 ? -3.f : 0.f;
  }
  const ScaledTiles tiles = scaled_tiles(values.view(), 1, kFp8Tile);
  EXPECT_EQ(tiles.numbers.row(0)[5], 448);
  EXPECT_EQ(tiles.numbers.row(0)[150], 448);  // a small tile keeps its precision
  EXPECT_EQ(tiles.numbers.row(1)[5], -448);
  EXPECT_EQ(tiles.numbers.row(1)[150], 0);
  EXPECT_FLOAT_EQ(tiles.scales_of_row(1)[5] * 448, 3.f);
  EXPECT_EQ(tiles.scales_of_row(1)[150], 1);
  const ScaledTiles block = scaled_tiles(values.view(), kFp8Tile, kFp8Tile);
  EXPECT_EQ(block.scales.rows(), 1);
  EXPECT_FLOAT_EQ(block.scales_of_row(0)[5] * 448, 3.f);  // of both rows
}

TEST(ScaledTiles, HoldNumbersOfTheFormat) {
  const Matrix<float> values = random_matrix<float>(30, 500, 3);
  const ScaledTiles tiles = scaled_tiles(values.view(), 1, kFp8Tile);
  for (int64_t i = 0; i < 30; ++i) {
    for (int64_t j = 0; j < 500; ++j) {
      EXPECT_EQ(tiles.numbers.row(i)[j], rounded(values.row(i)[j] / tiles.scales_of_row(i)[j], kE4m3Format));
    }
  }
}

// Factors of a few hundredths of relative error each give sums of about that.
TEST(Fp8Products, AgreeWithThePlainOnesWithinTheirPrecision) {
  for (const Form form : {Form::kPlain, Form::kTransposedB, Form::kTransposedA}) {
    const auto a = form == Form::kTransposedA ? random_matrix<float>(300, 40, 1) : random_matrix<float>(40, 300, 1);
    const auto b = form == Form::kTransposedB ? random_matrix<float>(50, 300, 2) : random_matrix<float>(300, 50, 2);
    Matrix<float> exact(40, 50);
    Matrix<float> c(40, 50);
    plain_products<float>().multiply(form, a.view(), b.view(), exact.view(), Into::kSet);
    fp8_products().multiply(form, a.view(), b.view(), c.view(), Into::kSet);
    double error = 0;
    double size = 0;
    for (size_t i = 0; i < c.numbers().size(); ++i) {
      error += std::pow(c.numbers()[i] - exact.numbers()[i], 2);
      size += std::pow(exact.numbers()[i], 2);
    }
    EXPECT_LT(std::sqrt(error / size), 0.05);
    EXPECT_GT(std::sqrt(error / size), 0.005);  // it is FP8
    const Matrix<float> once = c;
    fp8_products().multiply(form, a.view(), b.view(), c.view(), Into::kAdd);
    for (size_t i = 0; i < c.numbers().size(); ++i) EXPECT_NEAR(c.numbers()[i], 2 * once.numbers()[i], 1e-4);
  }
}

// What check mode relies on.
TEST(Fp8Products, ARowDoesNotDependOnTheOthers) {
  const auto a = random_matrix<float>(20, 200, 1);
  const auto b = random_matrix<float>(200, 30, 2);
  Matrix<float> all(20, 30);
  Matrix<float> one(1, 30);
  fp8_products().multiply(Form::kPlain, a.view(), b.view(), all.view(), Into::kSet);
  fp8_products().multiply(Form::kPlain, a.view().rows_at(7, 1), b.view(), one.view(), Into::kSet);
  for (int64_t j = 0; j < 30; ++j) EXPECT_EQ(one.row(0)[j], all.row(7)[j]);
}

}  // namespace
}  // namespace pipeloom::backend
