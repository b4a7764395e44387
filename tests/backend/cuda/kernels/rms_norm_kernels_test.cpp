#include "backend/device/kernels/rms_norm_kernels.h"

#include <gtest/gtest.h>

#include "backend/model/rms_norm.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(RmsNorm);

backend::Matrix<float> matrix_of(const std::vector<float>& numbers, int64_t rows, int64_t columns) {
  backend::Matrix<float> matrix(rows, columns);
  matrix.numbers() = numbers;
  return matrix;
}

// Widths with and without whole packs, less and more than a block's threads.
DEVICE_TEST(RmsNorm, MatchesTheReferenceAtEverySize) {
  for (const backend::RmsNormShape shape : {backend::RmsNormShape{1, 1}, {3, 7}, {5, 64}, {2, 260}, {7, 1100}}) {
    backend::ParameterBlock block;
    const pipeloom::backend::RmsNorm<float> reference(block, "norm", shape.width, Format::kFp32);
    const int64_t size = shape.rows * shape.width;
    const auto x = rounded_to_bf16(random_floats(size, 1));
    const auto weight = random_floats(shape.width, 2);
    const auto dy = random_floats(size, 3);
    pipeloom::backend::RmsNorm<float>::Saved saved;
    const backend::Matrix<float> x_matrix = matrix_of(widened(x), shape.rows, shape.width);
    const backend::Matrix<float> y = reference.forward(weight.data(), x_matrix.view(), saved);
    const backend::Matrix<float> dx =
        reference.input_backward(weight.data(), matrix_of(dy, shape.rows, shape.width), saved);
    std::vector<float> dw(static_cast<size_t>(shape.width));
    reference.weight_backward(saved, dw.data());

    const DeviceArray<backend::Bf16> device_x(x), input(size), output(size), again(size), device_dx(size), sum(x);
    const DeviceArray<float> device_weight(weight), device_dy(dy), inverse(shape.rows), device_dw(shape.width);
    const backend::RmsNormSaved device_saved{input, inverse};
    const backend::SmStream stream = device_stream();
    const int64_t width = shape.width;
    backend::rms_norm_forward(stream, shape, {device_x, width}, device_weight, device_saved, {output, width});
    backend::rms_norm_output(stream, shape, device_saved, device_weight, {again, width});
    backend::rms_norm_input_backward(stream, shape, {device_dy, width}, device_weight, device_saved, nullptr,
                                     {device_dx, width});
    backend::rms_norm_input_backward(stream, shape, {device_dy, width}, device_weight, device_saved, sum, {sum, width});
    backend::rms_norm_weight_gradient(stream, shape, {device_dy, width}, device_saved, device_dw);

    SCOPED_TRACE(testing::Message() << shape.rows << " x " << shape.width);
    constexpr double kRounding = 0.004;  // to BF16
    EXPECT_LT(relative_difference(inverse.numbers(), saved.inverse), 1e-5);
    EXPECT_LT(relative_difference(output.numbers(), y.numbers()), kRounding);
    EXPECT_EQ(widened(again.numbers()), widened(output.numbers()));
    EXPECT_LT(relative_difference(device_dx.numbers(), dx.numbers()), kRounding);
    backend::Matrix<float> expected_sum = x_matrix;
    expected_sum += dx;
    EXPECT_LT(relative_difference(sum.numbers(), expected_sum.numbers()), kRounding);
    EXPECT_LT(relative_difference(device_dw.numbers(), dw), 1e-5);
  }
}

// In the first columns of wider rows, as latents are, and in halves of others, as MTP modules join theirs.
DEVICE_TEST(RmsNorm, ReadsAndWritesColumnsOfWiderRows) {
  const backend::RmsNormShape shape{3, 8};
  const auto wide = rounded_to_bf16(random_floats(3 * 13, 4));
  const auto wide_dy = random_floats(3 * 16, 5);
  std::vector<backend::Bf16> x;
  std::vector<float> dy;
  for (int64_t row = 0; row < 3; ++row) {
    x.insert(x.end(), wide.begin() + row * 13, wide.begin() + row * 13 + 8);
    dy.insert(dy.end(), wide_dy.begin() + row * 16, wide_dy.begin() + row * 16 + 8);
  }
  struct Result {
    DeviceArray<backend::Bf16> input{24}, output{48}, dx{39};
    DeviceArray<float> inverse{3}, dw{8};
  };
  const DeviceArray<float> weight(random_floats(8, 6)), device_dy(dy), device_wide_dy(wide_dy);
  const DeviceArray<backend::Bf16> device_x(x), device_wide(wide);
  const auto run = [&](backend::TokenRows<const backend::Bf16> from, backend::TokenRows<const float> gradient,
                       int64_t out_stride, int64_t dx_stride) {
    Result result;
    const backend::RmsNormSaved saved{result.input, result.inverse};
    backend::rms_norm_forward(device_stream(), shape, from, weight, saved, {result.output, out_stride});
    backend::rms_norm_input_backward(device_stream(), shape, gradient, weight, saved, nullptr, {result.dx, dx_stride});
    backend::rms_norm_weight_gradient(device_stream(), shape, gradient, saved, result.dw);
    return result;
  };
  const Result dense = run({device_x, 8}, {device_dy, 8}, 8, 8);
  const Result strided = run({device_wide, 13}, {device_wide_dy, 16}, 16, 13);
  EXPECT_EQ(widened(strided.input.numbers()), widened(dense.input.numbers()));
  EXPECT_EQ(strided.dw.numbers(), dense.dw.numbers());
  const auto output = strided.output.numbers();
  const auto dx = strided.dx.numbers();
  for (size_t row = 0; row < 3; ++row) {
    for (size_t j = 0; j < 8; ++j) {
      EXPECT_EQ(output[row * 16 + j].bits, dense.output.numbers()[row * 8 + j].bits);
      EXPECT_EQ(dx[row * 13 + j].bits, dense.dx.numbers()[row * 8 + j].bits);
    }
  }
}

}  // namespace
}  // namespace pipeloom::tests
