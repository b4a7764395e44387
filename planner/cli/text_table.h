#pragma once

#include <string>
#include <vector>

namespace pipeloom::planner {

// Text in columns: the first aligned left, the others right (or left where asked), two spaces between.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> columns);

  void add_column(std::string name) { columns_.push_back(std::move(name)); }
  void align_left(size_t column) { left_.push_back(column); }
  // Shorter rows are filled with empty cells. Cells may hold names that anybody wrote: what a terminal would obey is
  // escaped.
  void add_row(std::vector<std::string> cells);

  bool empty() const { return rows_.empty(); }
  std::string text() const;

 private:
  std::vector<std::string> columns_;
  std::vector<size_t> left_ = {0};
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace pipeloom::planner
