#include "core/base/units.h"

#include <gtest/gtest.h>

namespace pipeloom {
namespace {

TEST(Units, ParsesDecimalsExactly) {
  EXPECT_EQ(parse_millionths("1").value(), 1'000'000);
  EXPECT_EQ(parse_millionths("0.1").value(), 100'000);
  EXPECT_EQ(parse_millionths("-2.5").value(), -2'500'000);
  EXPECT_EQ(parse_millionths(".000001").value(), 1);
  EXPECT_EQ(parse_millionths("3.").value(), 3'000'000);
  EXPECT_EQ(parse_millionths("1.0000000").value(), 1'000'000);
}

TEST(Units, RefusesWhatIsNotADecimal) {
  for (const char* text : {"", ".", "-", "nan", "inf", "1e3", "1,5", "0x10", " 1", "1 ", "1.2.3", "--1"}) {
    EXPECT_FALSE(parse_millionths(text).has_value()) << text;
  }
  EXPECT_NE(parse_millionths("0.1234567").error().message.find("too precise"), std::string::npos);
  EXPECT_NE(parse_millionths("99999999999999999999").error().message.find("too large"), std::string::npos);
}

TEST(Units, FormatsWhatItParses) {
  for (const char* text : {"0", "1", "0.1", "-2.5", "0.000001", "123456.789012"}) {
    EXPECT_EQ(format_millionths(parse_millionths(text).value()), text);
  }
}

TEST(Units, FormatsForPeople) {
  EXPECT_EQ(format_duration(19'926'000'000), "19.93 s");
  EXPECT_EQ(format_duration(1'300'000), "1.300 ms");
  EXPECT_EQ(format_duration(475'000), "475.0 us");
  EXPECT_EQ(format_duration(12), "12 ns");
  EXPECT_EQ(format_bytes(80'000'000'000), "80.0 GB");
  EXPECT_EQ(format_bytes(58'720'256), "58.7 MB");
  EXPECT_EQ(format_bytes(12), "12 B");
}

}  // namespace
}  // namespace pipeloom
