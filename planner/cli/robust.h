#pragma once

#include <nlohmann/json_fwd.hpp>

#include "planner/cli/command.h"
#include "sim/robust/robustness.h"

namespace pipeloom::planner {

// Median, p95, and what each rank's scatter costs.
void print_robustness(const Job& job, const sim::Robustness& robustness, const sim::SampleOptions& options,
                      const Output& output);
nlohmann::json robustness_json(const sim::Robustness& robustness, const sim::SampleOptions& options);

}  // namespace pipeloom::planner
