#include "backend/runtime/messages/message_bytes.h"

#include <gtest/gtest.h>

#include "backend/model/kept.h"
#include "tests/backend/support.h"

namespace pipeloom::backend {
namespace {

ExpertRows<float> some_rows(Format format) {
  ExpertRows<float> rows;
  rows.counts = {2, 0, 3};
  rows.tokens = {0, 4, 1, 4, 5};
  rows.weights = {0.5F, 0.25F, 1, 0.75F, 0.125F};
  rows.rows = rounded_to(tests::random_matrix<float>(5, 130, 1), format);
  return rows;
}

TEST(Wire, RowsArriveAsTheyWerePacked) {
  for (const Format format : {Format::kFp32, Format::kBf16, Format::kFp8}) {
    ExpertRows<float> sent = some_rows(format);
    for (const bool dispatched : {true, false}) {
      if (!dispatched) {
        sent.tokens.clear();
        sent.weights.clear();
      }
      const ExpertRows<float> rows = rows_from_bytes(rows_to_bytes(sent, format), format, 3, 130).value();
      EXPECT_EQ(rows.counts, sent.counts);
      EXPECT_EQ(rows.tokens, sent.tokens);
      EXPECT_EQ(rows.weights, sent.weights);
      EXPECT_EQ(rows.rows, sent.rows) << format_name(format);
    }
  }
}

// 20 bytes of counts and flags, 8 of token and weight a row.
TEST(Wire, RowsTakeTheBytesOfTheirFormat) {
  const auto bytes = [](Format format) { return rows_to_bytes(some_rows(format), format).size(); };
  EXPECT_EQ(bytes(Format::kFp8), 20 + 5 * (8 + 130 + 2 * 4));
  EXPECT_EQ(bytes(Format::kBf16), 20 + 5 * (8 + 2 * 130));
}

TEST(Wire, AMessageThatIsCutOffOrLiesIsRefused) {
  std::vector<std::byte> bytes = rows_to_bytes(some_rows(Format::kFp8), Format::kFp8);
  for (const size_t size : {size_t{3}, size_t{18}, size_t{30}, bytes.size() - 1}) {
    EXPECT_FALSE(rows_from_bytes(std::span(bytes).first(size), Format::kFp8, 3, 130).has_value()) << size;
  }
  EXPECT_FALSE(rows_from_bytes(bytes, Format::kBf16, 3, 130).has_value());
  bytes[3] = std::byte{0xff};  // of the first count
  EXPECT_EQ(rows_from_bytes(bytes, Format::kFp8, 3, 130).error().message,
            "a message counts fewer than 0 rows for an expert");
  bytes[3] = std::byte{0x7f};
  EXPECT_NE(rows_from_bytes(bytes, Format::kFp8, 3, 130).error().message.find("bytes counts 213"), std::string::npos);
}

}  // namespace
}  // namespace pipeloom::backend
