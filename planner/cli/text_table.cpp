#include "planner/cli/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/printable.h"

namespace pipeloom::planner {

TextTable::TextTable(std::vector<std::string> columns) : columns_(std::move(columns)) {}

void TextTable::add_row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = printable_name(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::vector<size_t> widths;
  for (size_t column = 0; column < columns_.size(); ++column) {
    size_t width = columns_[column].size();
    for (const auto& row : rows_) {
      if (column < row.size()) width = std::max(width, row[column].size());
    }
    widths.push_back(width);
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out;
    for (size_t column = 0; column < cells.size(); ++column) {
      const bool left = std::find(left_.begin(), left_.end(), column) != left_.end();
      if (column > 0) out += "  ";
      out += left ? fmt::format("{:<{}}", cells[column], widths[column])
                  : fmt::format("{:>{}}", cells[column], widths[column]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + '\n';
  };
  std::string out = line(columns_);
  for (const auto& row : rows_) out += line(row);
  return out;
}

}  // namespace pipeloom::planner
