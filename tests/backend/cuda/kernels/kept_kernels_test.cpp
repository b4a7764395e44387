#include "backend/device/kernels/kept_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backend/model/kept.h"
#include "tests/backend/cuda/device.h"

namespace pipeloom::tests {
namespace {

DEVICE_SUITE(Kept);

// Tiles of all magnitudes, one of zeros; widths with and without whole tiles and pairs.
backend::Matrix<float> some_values(int64_t rows, int64_t columns) {
  backend::Matrix<float> values(rows, columns);
  values.numbers() = random_floats(rows * columns, 5);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      values.row(i)[j] *= std::ldexp(1.F, static_cast<int>((7 * i + 3 * (j / kFormatTile)) % 40) - 30);
      if (i % 4 == 3 && j < kFormatTile) values.row(i)[j] = 0;
    }
  }
  values.numbers() = widened(rounded_to_bf16(values.numbers()));
  return values;
}

DEVICE_TEST(Kept, GivesBackWhatTheReferenceDoes) {
  for (const Format format : {Format::kBf16, Format::kE5m6, Format::kFp8}) {
    for (const auto& [rows, columns] :
         {std::pair<int64_t, int64_t>{1, 1}, {5, 3}, {9, 128}, {6, 130}, {33, 515}, {0, 7}}) {
      const backend::Matrix<float> values = some_values(rows, columns);
      const DeviceArray<backend::Bf16> device(rounded_to_bf16(values.numbers())), back(rows * columns);
      const DeviceArray<unsigned char> stored(backend::stored_bytes(format, rows, columns));
      backend::store(device_stream(), format, device, rows, columns, stored);
      backend::load(device_stream(), format, stored, rows, columns, back);
      EXPECT_EQ(widened(back.numbers()), backend::rounded_to(values, format).numbers())
          << format_name(format) << ", " << rows << " x " << columns;
    }
  }
}

DEVICE_TEST(Kept, TakesAsManyBytesAsTheReference) {
  for (const Format format : {Format::kBf16, Format::kE5m6, Format::kFp8}) {
    EXPECT_EQ(backend::stored_bytes(format, 6, 130), backend::packed_bytes(format, 6, 130)) << format_name(format);
  }
}

// Every number of BF16: ties, denormals, what is too large, both signs.
DEVICE_TEST(Kept, RoundsEveryNumberAsTheFormatSays) {
  std::vector<backend::Bf16> all;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) all.push_back({static_cast<uint16_t>(bits)});
  const auto numbers = widened(all);
  const auto count = static_cast<int64_t>(all.size());
  for (const Format format : {Format::kE5m6, Format::kFp8}) {
    // A row for each, so that each has a scale of its own.
    const DeviceArray<backend::Bf16> device(all), back(count);
    const DeviceArray<unsigned char> stored(backend::stored_bytes(format, count, 1));
    backend::store(device_stream(), format, device, count, 1, stored);
    backend::load(device_stream(), format, stored, count, 1, back);
    backend::Matrix<float> expected(count, 1);
    expected.numbers() = numbers;
    backend::round_to(expected, format);
    const auto actual = widened(back.numbers());
    for (size_t i = 0; i < actual.size(); ++i) {
      if (std::isnan(numbers[i])) {
        ASSERT_TRUE(std::isnan(actual[i]));
      } else if (!std::isinf(numbers[i])) {
        ASSERT_EQ(actual[i], expected.numbers()[i]) << format_name(format) << " of " << numbers[i];
      }
    }
  }
}

}  // namespace
}  // namespace pipeloom::tests
