#include "backend/device/kernels/columns_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backend/device/kernels/rope_kernels.h"
#include "backend/model/rope.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

constexpr float kInfinite = std::numeric_limits<float>::infinity();

DEVICE_SUITE(Columns);
DEVICE_SUITE(Rope);

// From rows of 3 heads of 7 numbers to some of 3 heads of 6, and the other way.
DEVICE_TEST(Columns, MoveBetweenHeadsOfDifferentWidths) {
  const backend::HeadShape shape{5, 3, 4};
  const auto rounded = rounded_to_bf16(random_floats(5 * 3 * 7, 1));
  const auto from = widened(rounded);
  const DeviceArray<float> full_from(from), full_to(std::vector<float>(5 * 3 * 6, 9.F));
  const DeviceArray<backend::Bf16> rounded_from(rounded), to(5 * 3 * 4), narrow(5 * 3 * 4);
  const backend::HeadColumns<const backend::Bf16> columns{rounded_from + 2, 21, 7};
  backend::move_columns(device_stream(), shape, columns, backend::HeadColumns<float>{full_to + 1, 18, 6});
  backend::move_columns(device_stream(), shape, columns, backend::HeadColumns<backend::Bf16>{to, 12, 4});
  backend::move_columns(device_stream(), shape, backend::HeadColumns<const float>{full_from + 2, 21, 7},
                        backend::HeadColumns<backend::Bf16>{narrow, 12, 4});
  const auto moved = full_to.numbers();
  for (int row = 0; row < 5; ++row) {
    for (int head = 0; head < 3; ++head) {
      for (int j = 0; j < 6; ++j) {
        const float expected = j >= 1 && j < 5 ? from[row * 21 + head * 7 + 1 + j] : 9.F;
        EXPECT_EQ(moved[row * 18 + head * 6 + j], expected);
      }
      for (int j = 0; j < 4; ++j) {
        const uint16_t expected = rounded[row * 21 + head * 7 + 2 + j].bits;
        EXPECT_EQ(to.numbers()[row * 12 + head * 4 + j].bits, expected);
        EXPECT_EQ(narrow.numbers()[row * 12 + head * 4 + j].bits, expected);
      }
    }
  }
}

DEVICE_TEST(Columns, OneForAllHeadsIsSpreadAndSummed) {
  const auto rounded = rounded_to_bf16(random_floats(4 * 3, 1));
  const DeviceArray<backend::Bf16> from(rounded);
  const DeviceArray<float> spread(4 * 2 * 3), sum(4 * 3);
  backend::move_columns(device_stream(), {4, 2, 3}, backend::HeadColumns<const backend::Bf16>{from, 3, 0},
                        backend::HeadColumns<float>{spread, 6, 3});
  backend::sum_heads(device_stream(), {4, 2, 3}, {spread, 6, 3}, {sum, 3, 0});
  const auto sums = sum.numbers();
  for (size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(sums[i], 2 * widened(rounded)[i]);
}

// With the ties, denormals, infinities and NaN that a conversion can get wrong.
DEVICE_TEST(Columns, RoundAsTheFormatSays) {
  for (const int64_t count : {1, 3, 4, 1027}) {
    auto from = random_floats(count, 7, 1e30F);
    const float special[] = {1.00390625F, 1.01171875F, 1e-40F, -0.F};
    for (size_t i = 0; i < from.size() && i < 4; ++i) from[i] = special[i];
    const DeviceArray<float> device_from(from);
    const DeviceArray<backend::Bf16> to(count);
    backend::round_to_bf16(device_stream(), device_from, count, to);
    const auto actual = to.numbers();
    const auto expected = rounded_to_bf16(from);
    for (int64_t i = 0; i < count; ++i) EXPECT_EQ(actual[i].bits, expected[i].bits) << from[i];
  }
  const DeviceArray<float> limits(std::vector<float>{kInfinite, -kInfinite, std::nanf("")});
  const DeviceArray<backend::Bf16> to(3);
  backend::round_to_bf16(device_stream(), limits, 3, to);
  const auto numbers = widened(to.numbers());
  EXPECT_EQ(numbers[0], kInfinite);
  EXPECT_EQ(numbers[1], -kInfinite);
  EXPECT_TRUE(std::isnan(numbers[2]));
}

// Whole packs, less, and arrays that don't begin at one.
DEVICE_TEST(Columns, CopyClearAndAdd) {
  const auto rounded = rounded_to_bf16(random_floats(776, 1));
  const auto numbers = widened(rounded);
  for (const int64_t count : {0, 3, 771, 776}) {
    for (const int64_t begin : {0, 1}) {
      const DeviceArray<backend::Bf16> from(rounded), to(std::vector<backend::Bf16>(777));
      backend::copy_numbers(device_stream(), from, count, to + begin);
      const auto copied = widened(to.numbers());
      for (int64_t i = 0; i < 777; ++i) {
        ASSERT_EQ(copied[i], i >= begin && i < begin + count ? numbers[i - begin] : 0.F);
      }
    }
  }
  const auto addend = random_floats(776, 2);
  const DeviceArray<float> device_addend(addend), sum(numbers);
  const DeviceArray<backend::Bf16> rounded_sum(rounded);
  backend::add_numbers(device_stream(), device_addend, 775, sum);
  backend::add_numbers(device_stream(), device_addend, 775, rounded_sum);
  std::vector<float> expected = numbers;
  for (size_t i = 0; i < 775; ++i) expected[i] += addend[i];
  EXPECT_EQ(sum.numbers(), expected);
  EXPECT_EQ(widened(rounded_sum.numbers()), widened(rounded_to_bf16(expected)));
  backend::set_zero(device_stream(), 775, sum);
  std::vector<float> cleared(776, 0.F);
  cleared.back() = expected.back();
  EXPECT_EQ(sum.numbers(), cleared);
}

DEVICE_TEST(Rope, TurnsEveryHeadAsTheReferenceAndBack) {
  constexpr int64_t kRows = 12;
  constexpr int64_t kHeads = 3;
  for (const int64_t dim : {2, 6, 64}) {
    const pipeloom::backend::Rope<float> reference(6, dim);  // two sequences
    const auto numbers = random_floats(kRows * kHeads * (dim + 1), 5);
    backend::Matrix<float> expected(kRows, kHeads * (dim + 1));
    expected.numbers() = numbers;
    for (int64_t head = 0; head < kHeads; ++head) {
      reference.turn(expected.view().columns_at(head * (dim + 1) + 1, dim));
    }
    const DeviceArray<float> device(numbers), cosines(reference.cosines()), sines(reference.sines());
    const backend::HeadColumns<float> heads{device + 1, kHeads * (dim + 1), dim + 1};
    const backend::RopeTables tables{cosines, sines, 6};
    backend::turn_heads(device_stream(), {kRows, kHeads, dim}, heads, tables, false);
    EXPECT_LT(relative_difference(device.numbers(), expected.numbers()), 1e-6);
    backend::turn_heads(device_stream(), {kRows, kHeads, dim}, heads, tables, true);
    EXPECT_LT(relative_difference(device.numbers(), numbers), 1e-6);
  }
}

}  // namespace
}  // namespace pipeloom::tests
