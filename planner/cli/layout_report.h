#pragma once

#include <nlohmann/json_fwd.hpp>

#include "planner/cli/command.h"
#include "planner/layout/layout_search.h"

namespace pipeloom::planner {

// What `plan --layout free` found, and how long it took.
struct FoundLayouts {
  LayoutSearchResult result;
  double seconds = 0;

  // The fastest that fits, as a job that keeps its schedule.
  Job best() const { return result.job_of(result.considered[result.front.front()]); }
};

// Fails where the job has no model, or no layout fits.
Result<FoundLayouts> find_layouts(const Job& job, const PlanOptions& options, const Output& output);

// The front; with --explain what other values of each field would cost, and how the job's own layout did.
void print_layouts(const Job& own, const FoundLayouts& found, const PlanOptions& options, const Output& output);
nlohmann::json layouts_json(const FoundLayouts& found);

}  // namespace pipeloom::planner
