#include "proto/published/quoted_csv.h"

#include <gtest/gtest.h>

namespace pipeloom::proto {
namespace {

TEST(QuotedCsv, KeepsCommasQuotesAndLineEndsOfQuotedCells) {
  const auto rows = parse_quoted_csv("a.csv", "x,\"1, 2\",\"say \"\"so\"\"\"\r\n\n\"two\nlines\",,z\n");
  ASSERT_TRUE(rows.has_value());
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].cells, (std::vector<std::string>{"x", "1, 2", "say \"so\""}));
  EXPECT_EQ((*rows)[1].cells, (std::vector<std::string>{"two\nlines", "", "z"}));
  EXPECT_EQ((*rows)[1].line, 3u);
}

TEST(QuotedCsv, NamesTheLineOfAQuoteThatIsNotClosed) {
  const auto rows = parse_quoted_csv("a.csv", "x\n\"y\n");
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().message, "a.csv:2: a quote is not closed");
}

TEST(QuotedCsv, RefusesTextBehindAClosingQuote) {
  const auto rows = parse_quoted_csv("a.csv", "\"x\"y\n");
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().message, "a.csv:1: text follows a closing quote");
}

}  // namespace
}  // namespace pipeloom::proto
