#pragma once

#include <string>

#include "core/base/result.h"
#include "planner/subject/subject.h"

namespace pipeloom::planner {

// Fails where the name is one that a job would have. To be asked before long work whose result goes there.
Status check_plan_path(const std::string& path);

// Fails where a GPU has less memory than the subject needs.
Status check_fits(const Subject& subject);

// Writes the subject's plan, after both checks. Replaces the file, or leaves it as it was.
Status save_plan(const Subject& subject, const std::string& path);

}  // namespace pipeloom::planner
