#include "backend/model/products.h"

#include <gtest/gtest.h>

#include "backend/model/bf16_products.h"
#include "backend/model/low_precision.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

using tests::random_matrix;

double dot_of(Form form, const Matrix<float>& a, const Matrix<float>& b, int64_t i, int64_t j) {
  const int64_t inner = form == Form::kTransposedA ? a.rows() : a.columns();
  double sum = 0;
  for (int64_t k = 0; k < inner; ++k) {
    const float left = form == Form::kTransposedA ? a.row(k)[i] : a.row(i)[k];
    const float right = form == Form::kTransposedB ? b.row(j)[k] : b.row(k)[j];
    sum += static_cast<double>(left) * static_cast<double>(right);
  }
  return sum;
}

class EveryProduct : public testing::TestWithParam<const Products<float>*> {};

TEST_P(EveryProduct, AgreesWithItsDefinition) {
  for (const Form form : {Form::kPlain, Form::kTransposedB, Form::kTransposedA}) {
    const auto a = form == Form::kTransposedA ? random_matrix<float>(9, 7, 1) : random_matrix<float>(7, 9, 1);
    const auto b = form == Form::kTransposedB ? random_matrix<float>(5, 9, 2) : random_matrix<float>(9, 5, 2);
    Matrix<float> c(7, 5);
    c.row(3)[4] = 100;
    GetParam()->multiply(form, a.view(), b.view(), c.view(), Into::kSet);
    GetParam()->multiply(form, a.view(), b.view(), c.view(), Into::kAdd);
    for (int64_t i = 0; i < c.rows(); ++i) {
      for (int64_t j = 0; j < c.columns(); ++j) EXPECT_NEAR(c.row(i)[j], 2 * dot_of(form, a, b, i, j), 1e-5);
    }
  }
}

TEST_P(EveryProduct, WorksOnWindows) {
  const auto a = random_matrix<float>(6, 10, 1);
  const auto b = random_matrix<float>(4, 8, 2);
  Matrix<float> c(6, 9);
  GetParam()->multiply(Form::kPlain, a.view().columns_at(3, 4), b.view().columns_at(2, 5), c.view().columns_at(1, 5),
                       Into::kSet);
  double expected = 0;
  for (int k = 0; k < 4; ++k) expected += static_cast<double>(a.row(2)[3 + k]) * static_cast<double>(b.row(k)[2 + 1]);
  EXPECT_NEAR(c.row(2)[1 + 1], expected, 1e-6);
  EXPECT_EQ(c.row(2)[0], 0);
  EXPECT_EQ(c.row(2)[6], 0);
}

TEST(Bf16Products, AreThoseOfRoundedFactors) {
  const auto a = random_matrix<float>(7, 90, 1);
  const auto b = random_matrix<float>(90, 5, 2);
  auto rounded_a = a;
  auto rounded_b = b;
  for (float& number : rounded_a.numbers()) number = rounded(number, kBf16Format);
  for (float& number : rounded_b.numbers()) number = rounded(number, kBf16Format);
  ASSERT_NE(rounded_a, a);
  const Bf16Products products(plain_products<float>());
  EXPECT_EQ(products.times(a.view(), b.view()), plain_products<float>().times(rounded_a.view(), rounded_b.view()));
}

TEST_P(EveryProduct, OfNothingIsZero) {
  const Matrix<float> none(0, 4);
  const auto b = random_matrix<float>(0, 3, 1);
  Matrix<float> c(4, 3);
  c.row(1)[1] = 5;
  GetParam()->multiply(Form::kTransposedA, none.view(), b.view(), c.view(), Into::kAdd);
  EXPECT_EQ(c.row(1)[1], 5);
  GetParam()->multiply(Form::kTransposedA, none.view(), b.view(), c.view(), Into::kSet);
  EXPECT_EQ(c, Matrix<float>(4, 3));
}

// What lets runs that cut a batch differently be compared bit for bit.
TEST(PlainProducts, ARowDoesNotDependOnHowManyThereAre) {
  const Products<float>& plain = plain_products<float>();
  for (const int64_t width : {8, 33, 64, 100, 256}) {
    const auto a = random_matrix<float>(96, width, 1);
    const auto b = random_matrix<float>(width, 48, 2);
    const auto transposed = random_matrix<float>(48, width, 3);
    const Matrix<float> all = plain.times(a.view(), b.view());
    const Matrix<float> all_transposed = plain.input_gradient(a.view(), transposed.view());
    for (const int64_t rows : {1, 2, 5, 16, 31, 48}) {
      const Matrix<float> some = plain.times(a.view().rows_at(0, rows), b.view());
      const Matrix<float> some_transposed = plain.input_gradient(a.view().rows_at(0, rows), transposed.view());
      for (int64_t i = 0; i < some.size(); ++i) {
        ASSERT_EQ(some.numbers()[i], all.numbers()[i]) << width << " wide, " << rows << " rows";
        ASSERT_EQ(some_transposed.numbers()[i], all_transposed.numbers()[i]) << width << " wide, " << rows << " rows";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, EveryProduct, testing::Values(&plain_products<float>(), &onednn_products()),
                         [](const auto& tested) { return tested.index == 0 ? "Plain" : "Onednn"; });

}  // namespace
}  // namespace pipeloom::backend
