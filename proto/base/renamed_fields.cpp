#include "proto/base/renamed_fields.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "proto/base/json_text.h"

namespace pipeloom::proto {

namespace {

struct RenamedField {
  std::string_view old_name;
  std::string_view name;
};

// Until 0.1.0 a part of a message was called a chunk, which now is a (pipe, stage) of a rank and nothing else. JSON may
// spell a field in either way.
constexpr RenamedField kRenamedFields[] = {
    {"chunk_bytes", "piece_bytes"},
    {"comm_chunk_tokens", "comm_piece_tokens"},
    {"all_to_all_chunk_tokens", "all_to_all_piece_tokens"},
    {"bytes_per_s_of_chunk", "bytes_per_s_of_piece"},
    {"chunkBytes", "pieceBytes"},
    {"commChunkTokens", "commPieceTokens"},
    {"allToAllChunkTokens", "allToAllPieceTokens"},
    {"bytesPerSOfChunk", "bytesPerSOfPiece"},
};
static_assert(std::ranges::all_of(kRenamedFields, [](const RenamedField& field) {
  return field.old_name.size() == field.name.size();
}));

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

void rename(std::string& text, size_t begin, size_t end) {
  const std::string_view written = std::string_view(text).substr(begin, end - begin);
  for (const RenamedField& field : kRenamedFields) {
    if (written == field.old_name) {
      text.replace(begin, end - begin, field.name);
      return;
    }
  }
}

}  // namespace

std::string with_present_names(std::string text) {
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (text[at] == '"' || text[at] == '\'') {
      const size_t end = std::min(end_of_string(text, at), text.size());
      if (text[at] == '"' && is_key(text, end)) rename(text, at + 1, end - 1);
      at = end;
    } else if (is_name_character(text[at])) {
      size_t end = at;
      while (end < text.size() && is_name_character(text[end])) ++end;
      rename(text, at, end);
      at = end;
    } else {
      ++at;
    }
  }
  return text;
}

}  // namespace pipeloom::proto
