#include "backend/cuda/kernels/rms_norm.h"

#include <gtest/gtest.h>

#include "backend/model/rms_norm.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(RmsNorm);

Matrix<float> matrix_of(const std::vector<float>& numbers, int64_t rows, int64_t columns) {
  Matrix<float> matrix(rows, columns);
  matrix.numbers() = numbers;
  return matrix;
}

// Each row times its factor.
Matrix<float> normalised_by(const std::vector<float>& factors, Matrix<float> rows) {
  for (int64_t i = 0; i < rows.rows(); ++i) {
    for (int64_t j = 0; j < rows.columns(); ++j) rows.row(i)[j] *= factors[i];
  }
  return rows;
}

// Widths with and without whole packs, less and more than a block's threads.
DEVICE_TEST(RmsNorm, MatchesTheReferenceAtEverySize) {
  for (const RmsNormShape shape : {RmsNormShape{1, 1}, {3, 7}, {5, 64}, {2, 260}, {7, 1100}}) {
    ParameterBlock block;
    const pipeloom::RmsNorm<float> reference(block, "norm", shape.width, Format::kFp32);
    const auto x = random_floats(shape.rows * shape.width, 1);
    const auto weight = random_floats(shape.width, 2);
    const auto dy = random_floats(shape.rows * shape.width, 3);
    pipeloom::RmsNorm<float>::Saved saved;
    const Matrix<float> x_matrix = matrix_of(x, shape.rows, shape.width);
    const Matrix<float> y = reference.forward(weight.data(), x_matrix.view(), saved);
    const Matrix<float> dx = reference.input_backward(weight.data(), matrix_of(dy, shape.rows, shape.width), saved);
    std::vector<float> dw(static_cast<size_t>(shape.width), 0.5F);
    reference.weight_backward(saved, dw.data());

    const int64_t size = shape.rows * shape.width;
    const DeviceArray<float> device_x(x), device_weight(weight), device_dy(dy);
    const DeviceArray<float> normalised(size), inverse(shape.rows), device_dx(size), sum(x);
    const DeviceArray<float> device_dw(std::vector<float>(static_cast<size_t>(shape.width), 0.5F));
    const DeviceArray<Bf16> output(size);
    const SmStream stream = device_stream();
    rms_norm_forward(stream, shape, device_x, shape.width, device_weight, normalised, inverse, output);
    rms_norm_input_backward(stream, shape, device_dy, device_weight, normalised, inverse, nullptr, device_dx);
    rms_norm_input_backward(stream, shape, device_dy, device_weight, normalised, inverse, sum, sum);
    rms_norm_weight_backward(stream, shape, device_dy, normalised, device_dw);

    SCOPED_TRACE(testing::Message() << shape.rows << " x " << shape.width);
    EXPECT_LT(relative_difference(normalised.numbers(), normalised_by(saved.inverse, x_matrix).numbers()), 1e-5);
    EXPECT_LT(relative_difference(inverse.numbers(), saved.inverse), 1e-5);
    EXPECT_LT(relative_difference(output.numbers(), y.numbers()), 0.004);  // rounding to BF16
    EXPECT_LT(relative_difference(device_dx.numbers(), dx.numbers()), 1e-5);
    Matrix<float> expected_sum = x_matrix;
    expected_sum += dx;
    EXPECT_LT(relative_difference(sum.numbers(), expected_sum.numbers()), 1e-5);
    EXPECT_LT(relative_difference(device_dw.numbers(), dw), 1e-5);
  }
}

DEVICE_TEST(RmsNorm, ReadsTheFirstColumnsOfWiderRows) {
  const RmsNormShape shape{3, 8};
  const auto x = random_floats(shape.rows * 13, 4);
  const std::vector<float> weight(8, 1.F);
  const DeviceArray<float> device_x(x), device_weight(weight), normalised(24), inverse(3);
  const DeviceArray<Bf16> output(24);
  rms_norm_forward(device_stream(), shape, device_x, 13, device_weight, normalised, inverse, output);
  const auto numbers = normalised.numbers();
  const auto inverses = inverse.numbers();
  for (int64_t row = 0; row < 3; ++row) {
    for (int64_t j = 0; j < 8; ++j) EXPECT_EQ(numbers[row * 8 + j], x[row * 13 + j] * inverses[row]);
  }
}

}  // namespace
}  // namespace pipeloom::tests
