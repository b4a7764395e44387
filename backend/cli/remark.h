#pragma once

#include <iosfwd>
#include <string_view>

namespace pipeloom::backend {

// Prints "pipeloom-run: TEXT" on a line, at once. The text may hold names from files or from other processes: what a
// terminal would obey is escaped.
void print_remark(std::ostream& err, std::string_view text);

}  // namespace pipeloom::backend
