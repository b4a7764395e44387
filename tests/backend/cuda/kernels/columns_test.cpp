#include "backend/cuda/kernels/columns.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backend/cuda/kernels/rope.h"
#include "backend/model/rope.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

constexpr float kInfinite = std::numeric_limits<float>::infinity();

DEVICE_SUITE(Columns);
DEVICE_SUITE(Rope);

DEVICE_TEST(Columns, MoveBetweenHeadsOfDifferentWidths) {
  const HeadShape shape{5, 3, 4};
  const auto from = random_floats(5 * 3 * 7, 1);
  const DeviceArray<float> device_from(from), to(std::vector<float>(5 * 3 * 6, 9.F));
  const DeviceArray<Bf16> rounded(5 * 3 * 4);
  move_columns(device_stream(), shape, {device_from + 2, 21, 7}, HeadColumns<float>{to + 1, 18, 6});
  move_columns(device_stream(), shape, {device_from + 2, 21, 7}, HeadColumns<Bf16>{rounded, 12, 4});
  const auto moved = to.numbers();
  const auto narrow = rounded.numbers();
  for (int row = 0; row < 5; ++row) {
    for (int head = 0; head < 3; ++head) {
      for (int j = 0; j < 6; ++j) {
        const float expected = j >= 1 && j < 5 ? from[row * 21 + head * 7 + 1 + j] : 9.F;
        EXPECT_EQ(moved[row * 18 + head * 6 + j], expected);
      }
      for (int j = 0; j < 4; ++j) {
        const float wide = from[row * 21 + head * 7 + 2 + j];
        EXPECT_EQ(narrow[row * 12 + head * 4 + j].bits, rounded_to_bf16({&wide, 1})[0].bits);
      }
    }
  }
}

DEVICE_TEST(Columns, OneForAllHeadsIsSpreadAndSummed) {
  const auto from = random_floats(4 * 3, 1);
  const DeviceArray<float> device_from(from), spread(4 * 2 * 3), sum(4 * 3);
  move_columns(device_stream(), {4, 2, 3}, {device_from, 3, 0}, HeadColumns<float>{spread, 6, 3});
  sum_heads(device_stream(), {4, 2, 3}, {spread, 6, 3}, {sum, 3, 0});
  const auto sums = sum.numbers();
  for (size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(sums[i], 2 * from[i]);
}

// With the ties, denormals, infinities and NaN that a conversion can get wrong.
DEVICE_TEST(Columns, RoundAsTheFormatSays) {
  for (const int64_t count : {1, 3, 4, 1027}) {
    auto from = random_floats(count, 7, 1e30F);
    const float special[] = {1.00390625F, 1.01171875F, 1e-40F, -0.F};
    for (size_t i = 0; i < from.size() && i < 4; ++i) from[i] = special[i];
    const DeviceArray<float> device_from(from);
    const DeviceArray<Bf16> to(count);
    round_to_bf16(device_stream(), device_from, count, to);
    const auto actual = to.numbers();
    const auto expected = rounded_to_bf16(from);
    for (int64_t i = 0; i < count; ++i) EXPECT_EQ(actual[i].bits, expected[i].bits) << from[i];
  }
  const DeviceArray<float> limits(std::vector<float>{kInfinite, -kInfinite, std::nanf("")});
  const DeviceArray<Bf16> to(3);
  round_to_bf16(device_stream(), limits, 3, to);
  const auto numbers = widened(to.numbers());
  EXPECT_EQ(numbers[0], kInfinite);
  EXPECT_EQ(numbers[1], -kInfinite);
  EXPECT_TRUE(std::isnan(numbers[2]));
}

DEVICE_TEST(Columns, AddCopyAndSquare) {
  const auto a = random_floats(777, 1);
  const auto b = random_floats(777, 2);
  const DeviceArray<float> device_a(a), device_b(b), copy(777);
  const DeviceArray<double> partial(kSumBlocks), sum(std::vector<double>{1.0});
  copy_numbers(device_stream(), device_a, 777, copy);
  EXPECT_EQ(copy.numbers(), a);
  add_numbers(device_stream(), device_a, 777, device_b);
  const auto sums = device_b.numbers();
  for (size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(sums[i], b[i] + a[i]);
  add_squares(device_stream(), device_a, 777, partial, sum);
  double expected = 1;
  for (const float number : a) expected += static_cast<double>(number) * number;
  EXPECT_NEAR(sum.numbers()[0], expected, 1e-12 * expected);
  set_zero(device_stream(), 777, copy);
  EXPECT_EQ(copy.numbers(), std::vector<float>(777, 0.F));
}

DEVICE_TEST(Rope, TurnsEveryHeadAsTheReferenceAndBack) {
  constexpr int64_t kRows = 12;
  constexpr int64_t kHeads = 3;
  for (const int64_t dim : {2, 6, 64}) {
    const pipeloom::Rope<float> reference(6, dim);  // two sequences
    const auto numbers = random_floats(kRows * kHeads * (dim + 1), 5);
    Matrix<float> expected(kRows, kHeads * (dim + 1));
    expected.numbers() = numbers;
    for (int64_t head = 0; head < kHeads; ++head) {
      reference.turn(expected.view().columns_at(head * (dim + 1) + 1, dim));
    }
    const DeviceArray<float> device(numbers), cosines(reference.cosines()), sines(reference.sines());
    const HeadColumns<float> heads{device + 1, kHeads * (dim + 1), dim + 1};
    const RopeTables tables{cosines, sines, 6};
    turn_heads(device_stream(), {kRows, kHeads, dim}, heads, tables, false);
    EXPECT_LT(relative_difference(device.numbers(), expected.numbers()), 1e-6);
    turn_heads(device_stream(), {kRows, kHeads, dim}, heads, tables, true);
    EXPECT_LT(relative_difference(device.numbers(), numbers), 1e-6);
  }
}

}  // namespace
}  // namespace pipeloom::tests
