#include "proto/published/quoted_csv.h"

#include <fmt/format.h>

namespace pipeloom::proto {

namespace {

// Walks over the text once and knows the line that it is in.
class Walk {
 public:
  explicit Walk(std::string_view csv) : csv_(csv) {}

  bool done() const { return at_ >= csv_.size(); }
  size_t line() const { return line_; }
  bool takes(char wanted) {
    if (done() || csv_[at_] != wanted) return false;
    take();
    return true;
  }
  char take() {
    if (csv_[at_] == '\n') ++line_;
    return csv_[at_++];
  }
  bool at_cell_end() const { return done() || csv_[at_] == ',' || csv_[at_] == '\n' || csv_[at_] == '\r'; }

 private:
  std::string_view csv_;
  size_t at_ = 0;
  size_t line_ = 1;
};

// False if the quote that opens the cell is never closed.
bool take_cell(Walk& walk, std::string& cell) {
  if (!walk.takes('"')) {
    while (!walk.at_cell_end()) cell += walk.take();
    return true;
  }
  while (!walk.done()) {
    const char it = walk.take();
    if (it == '"' && !walk.takes('"')) return true;
    cell += it;
  }
  return false;
}

}  // namespace

Result<std::vector<QuotedRow>> parse_quoted_csv(std::string_view path, std::string_view csv) {
  std::vector<QuotedRow> rows;
  Walk walk(csv);
  while (!walk.done()) {
    QuotedRow row;
    row.line = walk.line();
    do {
      if (!take_cell(walk, row.cells.emplace_back())) {
        return invalid(fmt::format("{}:{}: a quote is not closed", path, row.line));
      }
    } while (walk.takes(','));
    walk.takes('\r');
    if (!walk.done() && !walk.takes('\n')) {
      return invalid(fmt::format("{}:{}: text follows a closing quote", path, row.line));
    }
    if (row.cells.size() > 1 || !row.cells.front().empty()) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace pipeloom::proto
