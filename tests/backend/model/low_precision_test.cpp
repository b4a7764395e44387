// Against tables that other programs computed: tests/data/README.md says which.
#include "backend/model/low_precision.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace pipeloom::backend {
namespace {

struct TableRow {
  std::string first;
  float second = 0;
};

std::vector<TableRow> table(const std::string& name) {
  std::ifstream in(std::string(PIPELOOM_SOURCE) + "/tests/data/precision/" + name);
  std::vector<TableRow> rows;
  std::string line;
  std::getline(in, line);  // header
  while (std::getline(in, line)) {
    const size_t comma = line.find(',');
    rows.push_back({line.substr(0, comma), std::strtof(line.c_str() + comma + 1, nullptr)});
  }
  return rows;
}

// The same number with the same sign, or both none.
bool same(float a, float b) {
  return std::isnan(a) ? std::isnan(b) : std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

struct Format {
  const char* name;
  NumberFormat format;
  float largest;
};

class LowPrecision : public testing::TestWithParam<Format> {
 protected:
  std::string file(const char* end) const { return std::string(GetParam().name) + end; }
  NumberFormat format() const { return GetParam().format; }
};

TEST_P(LowPrecision, DecodesEveryCode) {
  const auto rows = table(file(".csv"));
  ASSERT_EQ(rows.size(), size_t{1} << format().bits());
  for (const TableRow& row : rows) {
    const auto code = static_cast<uint16_t>(std::stoi(row.first));
    EXPECT_TRUE(same(decode(code, format()), row.second)) << "code " << code << ": " << decode(code, format());
  }
}

TEST_P(LowPrecision, EncodesEveryNumberOfTheFormatAsItsCode) {
  for (uint32_t code = 0; code < 1u << format().bits(); ++code) {
    const float value = decode(static_cast<uint16_t>(code), format());
    if (std::isfinite(value)) {
      EXPECT_EQ(encode(value, format()), code) << value;
      EXPECT_TRUE(same(rounded(value, format()), value)) << value;
    } else if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(decode(encode(value, format()), format())));
    }
  }
}

TEST_P(LowPrecision, RoundsToTheNearestTiesToEven) {
  const auto rows = table(file("_rounding.csv"));
  ASSERT_GT(rows.size(), 700u);
  for (const TableRow& row : rows) {
    const float value = std::strtof(row.first.c_str(), nullptr);
    EXPECT_TRUE(same(rounded(value, format()), row.second)) << value << " became " << rounded(value, format());
    EXPECT_TRUE(same(decode(encode(value, format()), format()), row.second)) << value;
  }
}

TEST_P(LowPrecision, WhatIsTooLargeBecomesTheLargest) {
  const float most = GetParam().largest;
  EXPECT_EQ(largest(format()), most);
  for (const float value : {most, 1.01f * most, 2 * most, 3e38f, std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(rounded(value, format()), most) << value;
    EXPECT_EQ(rounded(-value, format()), -most) << value;
    EXPECT_EQ(decode(encode(-value, format()), format()), -most) << value;
  }
  EXPECT_TRUE(std::isnan(rounded(std::numeric_limits<float>::quiet_NaN(), format())));
}

INSTANTIATE_TEST_SUITE_P(Formats, LowPrecision,
                         testing::Values(Format{"e4m3", kE4m3Format, 448}, Format{"e5m6", kE5m6Format, 65024}),
                         [](const auto& one) { return one.param.name; });

TEST(Bf16, KeepsTheUpperHalfOfAFloat) {
  EXPECT_EQ(rounded(1.00390625f, kBf16Format), 1.f);        // 1 + 2^-8, a tie
  EXPECT_EQ(rounded(1.01171875f, kBf16Format), 1.015625f);  // 1 + 3 * 2^-8, a tie
  EXPECT_EQ(rounded(-3.14159265f, kBf16Format), -3.140625f);
  for (const uint32_t bits : {0x3f810000u, 0xc2280000u, 0x00800000u, 0x7f7f0000u}) {
    const auto value = std::bit_cast<float>(bits);
    EXPECT_EQ(rounded(value, kBf16Format), value);
    EXPECT_EQ(encode(value, kBf16Format), bits >> 16);
  }
}

}  // namespace
}  // namespace pipeloom::backend
