#pragma once

#include <string>

namespace pipeloom::proto {

// Returns the text of a message, as a person wrote it (protobuf text or JSON), with fields of earlier versions under
// the names that they have now. Values and comments stay as they are, and so does the place of every character: an old
// name is as long as the new one.
std::string with_present_names(std::string text);

}  // namespace pipeloom::proto
