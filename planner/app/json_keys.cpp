#include "planner/app/json_keys.h"

namespace pipeloom::planner {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

// Behind the string that starts at `begin`; npos if it does not end.
size_t end_of_string(std::string_view text, size_t begin) {
  for (size_t at = begin + 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

bool is_key(std::string_view text, size_t end_of_name) {
  const size_t next = text.find_first_not_of(kSpace, end_of_name);
  return next != std::string_view::npos && text[next] == ':';
}

}  // namespace

JsonBegin begin_of_json(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  JsonBegin begin = {.object = text[first] == '{', .list = text[first] == '['};
  if (!begin.object) return begin;
  int depth = 0;
  for (size_t at = first; at < text.size();) {
    if (text[at] == '"') {
      const size_t end = end_of_string(text, at);
      if (end == std::string_view::npos) break;
      if (depth == 1 && is_key(text, end)) begin.keys.push_back(text.substr(at + 1, end - at - 2));
      at = end;
      continue;
    }
    if (text[at] == '{' || text[at] == '[') ++depth;
    if (text[at] == '}' || text[at] == ']') --depth;
    if (depth == 0) break;
    ++at;
  }
  return begin;
}

}  // namespace pipeloom::planner
