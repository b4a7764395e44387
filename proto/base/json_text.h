#pragma once

#include <cstddef>
#include <string_view>

namespace pipeloom::proto {

// Scans JSON, or protobuf text, whose places a parser does not tell.

// Returns one past the string whose opening quote stands at `begin`; npos if the text ends inside it.
size_t end_of_string(std::string_view text, size_t begin);
// Returns true if a colon follows, as behind the key of a JSON object.
bool is_key(std::string_view text, size_t end_of_name);

}  // namespace pipeloom::proto
