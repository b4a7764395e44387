#include "proto/base/renamed_fields.h"

#include <gtest/gtest.h>

#include "proto/job/gpu_files.h"

namespace pipeloom::proto {
namespace {

TEST(RenamedFields, OfTextAreReadUnderTheirOldNames) {
  EXPECT_EQ(with_present_names("cluster { comm_chunk_tokens: 20 }"), "cluster { comm_piece_tokens: 20 }");
}

TEST(RenamedFields, OfJsonAreReadUnderTheirOldNames) {
  EXPECT_EQ(with_present_names(R"({"commChunkTokens" : 20, "chunk_bytes": 1})"),
            R"({"commPieceTokens" : 20, "piece_bytes": 1})");
}

TEST(RenamedFields, LeaveValuesCommentsAndLongerNamesAlone) {
  for (const char* text : {"name: \"chunk_bytes\"", "name: 'a \\' chunk_bytes'", "# chunk_bytes: 5\nname: \"a\"",
                           "my_chunk_bytes: 1", R"({"name": "chunk_bytes"})", "\"chunk_bytes", "\"chunk_bytes\\"}) {
    EXPECT_EQ(with_present_names(text), text);
  }
}

TEST(RenamedFields, AreReadInFilesOfGpus) {
  const auto parsed = [](const std::string& field) {
    return parse_gpu(
        "x.txtpb",
        "name: 'X' sms: 10 memory_gbytes: 8 bf16_flops: 1e12 memory_bytes_per_s: 1e11 rates { " + field + ": 5.5 }");
  };
  EXPECT_EQ(parsed("all_to_all_chunk_tokens").value().rates.all_to_all_piece_tokens, 5.5);
  EXPECT_EQ(parsed("all_to_all_chunk_tokens").value(), parsed("all_to_all_piece_tokens").value());
  EXPECT_FALSE(parsed("all_to_all_chunky_tokens"));
}

}  // namespace
}  // namespace pipeloom::proto
