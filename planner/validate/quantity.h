#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/base/result.h"
#include "core/job/job.h"
#include "planner/evaluate/evaluate.h"

namespace pipeloom::planner {

// Something that a run can be measured by and Pipeloom predicts: what a job's references give a value of.
struct Quantity {
  std::string_view name;  // with its unit: "step_s"
  std::string_view summary;
  // Nothing where the job has no such thing (no experts, no cluster).
  std::optional<double> (*predict)(const Job& job, const Evaluation& evaluation);
  bool needs_model = true;  // otherwise jobs with direct costs have it too
};

std::span<const Quantity> quantities();

// The error lists the known ones.
Result<const Quantity*> find_quantity(std::string_view name);

}  // namespace pipeloom::planner
