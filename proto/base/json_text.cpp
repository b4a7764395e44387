#include "proto/base/json_text.h"

namespace pipeloom::proto {

size_t end_of_string(std::string_view text, size_t begin) {
  for (size_t at = begin + 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == text[begin]) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

bool is_key(std::string_view text, size_t end_of_name) {
  const size_t next = text.find_first_not_of(" \t\r\n", end_of_name);
  return next != std::string_view::npos && text[next] == ':';
}

}  // namespace pipeloom::proto
