#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pipeloom::proto {

// What a shell's $((...)) gives for whole numbers, + - * / %, signs and parentheses: "2*(8-1)" is 14. Nothing where
// it is anything else, divides by zero or overflows.
std::optional<int64_t> shell_arithmetic(std::string_view expression);

}  // namespace pipeloom::proto
