#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace pipeloom::proto {

// A row of a table whose cells may be quoted.
struct QuotedRow {
  size_t line = 1;  // where it begins
  std::vector<std::string> cells;
};

// Reads a table of comma-separated values (RFC 4180): a cell in quotes may hold commas, line ends and doubled quotes.
// Empty lines are skipped. The error names path and line of a quote that is not closed.
Result<std::vector<QuotedRow>> parse_quoted_csv(std::string_view path, std::string_view csv);

}  // namespace pipeloom::proto
