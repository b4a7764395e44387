#include "proto/base/csv.h"

#include <fmt/format.h>

#include <algorithm>

namespace pipeloom::proto {

namespace {

std::string_view take_line(std::string_view* rest) {
  const size_t end = std::min(rest->find('\n'), rest->size());
  std::string_view line = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::vector<CsvRow::Cell> split(std::string_view line) {
  std::vector<CsvRow::Cell> cells;
  size_t begin = 0;
  while (true) {
    const size_t end = std::min(line.find(',', begin), line.size());
    cells.push_back({line.substr(begin, end - begin), begin + 1});
    if (end == line.size()) return cells;
    begin = end + 1;
  }
}

}  // namespace

tl::unexpected<Error> bad_cell(std::string_view path, const CsvRow& row, size_t cell, std::string_view what) {
  return invalid(fmt::format("{}:{}:{}: {}", path, row.line, row.cells[cell].column, what));
}

std::vector<CsvRow> csv_lines(std::string_view csv) {
  std::vector<CsvRow> rows;
  for (size_t line = 1; !csv.empty(); ++line) rows.push_back({line, split(take_line(&csv))});
  return rows;
}

Result<std::vector<CsvRow>> parse_csv(std::string_view path, std::string_view csv, std::string_view header) {
  if (const std::string_view first = take_line(&csv); first != header) {
    return invalid(fmt::format("{}:1:1: the header is \"{}\"; expected \"{}\"", path, first, header));
  }
  const auto columns = static_cast<size_t>(std::count(header.begin(), header.end(), ',') + 1);
  std::vector<CsvRow> rows;
  for (size_t line = 2; !csv.empty(); ++line) {
    const std::string_view text = take_line(&csv);
    if (text.empty()) continue;
    CsvRow row = {line, split(text)};
    if (row.cells.size() != columns) {
      return bad_cell(path, row, 0, fmt::format("{} cells; expected {}", row.cells.size(), columns));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace pipeloom::proto
