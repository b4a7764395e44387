#pragma once

#include <span>
#include <string_view>

namespace pipeloom::planner {

// A column of a CSV of published trainings that no prediction reads, and why it cannot matter.
struct ExcusedColumn {
  std::string_view column;
  std::string_view value;  // only this one; empty: any
  std::string_view why;
};
std::span<const ExcusedColumn> excused_columns();

// Whether a table says why this value of a column cannot matter for a prediction.
bool cannot_matter(std::string_view column, std::string_view value);

}  // namespace pipeloom::planner
