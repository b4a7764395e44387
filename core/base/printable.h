#pragma once

#include <string>
#include <string_view>

namespace pipeloom {

// The text as it may be printed, or stand in XML, whoever wrote it: control characters, which terminals obey and XML
// forbids, as \x1b; bytes that are not UTF-8 as \xff; a backslash stays. Tabs and ends of lines stay too.
std::string printable(std::string_view text);
// The same on one line, as a name is printed: ends of lines and tabs as \n and \t.
std::string printable_name(std::string_view text);

}  // namespace pipeloom
