#pragma once

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/layout/layout_search.h"

namespace pipeloom::planner {

// What a search of layouts found, and how long it took.
struct FoundLayouts {
  LayoutSearchResult result;
  double seconds = 0;

  // The fastest that fits, as a job that keeps its schedule.
  Job best() const { return result.job_of(result.considered[result.front.front()]); }
};

// Fails where the job has no model, or no layout fits.
Result<FoundLayouts> find_layouts(const Job& job, const HeldFields& held, const LayoutSearchLimits& limits);

}  // namespace pipeloom::planner
