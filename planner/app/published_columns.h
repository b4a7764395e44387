#pragma once

#include <string_view>

namespace pipeloom::planner {

// Whether a table says why this value of a column of a CSV of published trainings, which no prediction reads, cannot
// matter.
bool cannot_matter(std::string_view column, std::string_view value);

}  // namespace pipeloom::planner
