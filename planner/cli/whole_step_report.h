#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>

#include "planner/cli/subject_options.h"
#include "sim/report/whole_step.h"

namespace pipeloom::planner {

Result<sim::WholeStep> whole_step_of(const Subject& subject, const sim::WholeStepOptions& options = {});

// Its time, and what each rank's lanes do.
void print_whole_step(const Subject& subject, const sim::WholeStep& step, std::ostream& out);
// Its time alone, on one line.
void print_whole_step_time(const Subject& subject, const sim::WholeStep& step, std::ostream& out);
nlohmann::json whole_step_json(const sim::WholeStep& step);

}  // namespace pipeloom::planner
