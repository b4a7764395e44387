#include "planner/app/published_columns.h"

#include <algorithm>

namespace pipeloom::planner {

namespace {

struct ExcusedColumn {
  std::string_view column;
  std::string_view value;  // only this one; empty: any
  std::string_view why;
};
constexpr ExcusedColumn kExcused[] = {
    {"id", "", "names the training"},
    {"source", "", "names the document"},
    {"date", "", "says when it was published"},
    {"container", "", "names a build; what it changed stands in the other columns"},
    {"settings_source", "", "names the document of the settings"},
    {"newest", "", "says whether a later figure exists"},
    {"newest_layout", "", "says whether a later figure exists"},
    {"confidence", "", "says how well the settings are known; trainings are judged by it"},
    {"notes", "", "remarks; those that are known to matter are read by their words"},
    {"delay_wgrad", "",
     "puts W beside all-to-all, where overlapped passes have it anyway; without ep_overlap no cost knows it"},
    {"routing", "balanced", "is what the costs assume"},
    {"optimizer", "adam", "is what the costs assume"},
    {"offload", "none", "is what a job without offload does"},
};

}  // namespace

bool cannot_matter(std::string_view column, std::string_view value) {
  return std::ranges::any_of(kExcused, [&](const ExcusedColumn& excused) {
    return excused.column == column && (excused.value.empty() || excused.value == value);
  });
}

}  // namespace pipeloom::planner
