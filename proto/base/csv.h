#pragma once

#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace pipeloom::proto {

// One line of a table of comma-separated values, and where it stands, for messages.
struct CsvRow {
  struct Cell {
    std::string_view text;
    size_t column = 1;  // of its first character in the line
  };
  size_t line = 1;
  std::vector<Cell> cells;
};

// The rows below the header; empty lines are skipped. Nothing is quoted. Errors name `path` and line: another header
// than `header`, a row with another number of cells. The views point into `csv`.
Result<std::vector<CsvRow>> parse_csv(std::string_view path, std::string_view csv, std::string_view header);

// Every line of a table without a header, empty ones too: they count.
std::vector<CsvRow> csv_lines(std::string_view csv);

// "path:line:column: what", as an error.
tl::unexpected<Error> bad_cell(std::string_view path, const CsvRow& row, size_t cell, std::string_view what);

}  // namespace pipeloom::proto
