#pragma once

#include <nlohmann/json_fwd.hpp>

#include "planner/app/free_layout.h"
#include "planner/cli/command.h"

namespace pipeloom::planner {

// Searches layouts as the options say, with a progress line on a terminal.
Result<FoundLayouts> search_layouts_live(const Job& job, const PlanOptions& options, const Output& output);

// The front, and how the job's own layout did; with --explain what other values of each field would cost.
void print_layouts(const Job& own, const FoundLayouts& found, const PlanOptions& options, const Output& output);
nlohmann::json layouts_json(const Job& own, const FoundLayouts& found);

}  // namespace pipeloom::planner
