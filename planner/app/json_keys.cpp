#include "planner/app/json_keys.h"

#include "proto/base/json_text.h"

namespace pipeloom::planner {

JsonBegin begin_of_json(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  JsonBegin begin = {.object = text[first] == '{', .list = text[first] == '['};
  if (!begin.object) return begin;
  int depth = 0;
  for (size_t at = first; at < text.size();) {
    if (text[at] == '"') {
      const size_t end = proto::end_of_string(text, at);
      if (end == std::string_view::npos) break;
      if (depth == 1 && proto::is_key(text, end)) begin.keys.push_back(text.substr(at + 1, end - at - 2));
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
