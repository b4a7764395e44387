#pragma once

#include <cstdint>
#include <string_view>

namespace pipeloom::proto {

// A JSON number as a whole number; false where it is none, or beyond int64.
bool parse_whole(std::string_view text, int64_t* value);

// A JSON number of microseconds in ns, exact to three decimals, the rest cut off; false beyond a million years, which
// leaves room for sums.
bool parse_microseconds(std::string_view text, int64_t* ns);

}  // namespace pipeloom::proto
