#pragma once

#include <string>

namespace pipeloom::proto {

// The text as it may stand in an XML element or attribute: what XML has no place for is escaped as printable() does.
std::string escaped_xml(const std::string& text);

}  // namespace pipeloom::proto
