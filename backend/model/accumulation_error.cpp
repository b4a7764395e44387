#include "backend/model/accumulation_error.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "backend/model/fp8_products.h"

namespace pipeloom::backend {

namespace {

// As large as E4M3 allows, as the tiles of a training step are.
Matrix<float> random_fp8(int64_t rows, int64_t columns, std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  Matrix<float> values(rows, columns);
  for (float& value : values.numbers()) value = normal(random);
  return scaled_tiles(values.view(), rows, columns).numbers;
}

Matrix<double> exact_product(const Matrix<float>& a, const Matrix<float>& b) {
  Matrix<double> c(a.rows(), b.columns());
  for (int64_t i = 0; i < a.rows(); ++i) {
    for (int64_t k = 0; k < a.columns(); ++k) {
      const double factor = a.row(i)[k];
      for (int64_t j = 0; j < b.columns(); ++j) c.row(i)[j] += factor * static_cast<double>(b.row(k)[j]);
    }
  }
  return c;
}

}  // namespace

AccumulationError accumulation_error(int64_t size, int64_t inner, uint64_t seed, const Accumulation& how) {
  std::mt19937_64 random(seed);
  const Matrix<float> a = random_fp8(size, inner, random);
  const Matrix<float> b = random_fp8(inner, size, random);
  const Matrix<double> exact = exact_product(a, b);
  Matrix<float> c(size, size);
  add_tensor_core_product(a.view(), b.view(), how, c.view());
  double largest = 0;
  double errors = 0;
  double squares = 0;
  for (size_t i = 0; i < c.numbers().size(); ++i) {
    const double error = static_cast<double>(c.numbers()[i]) - exact.numbers()[i];
    largest = std::max(largest, std::abs(error));
    errors += error * error;
    squares += exact.numbers()[i] * exact.numbers()[i];
  }
  const double scale = std::sqrt(squares / static_cast<double>(c.size()));
  return {largest / scale, std::sqrt(errors / squares)};
}

}  // namespace pipeloom::backend
