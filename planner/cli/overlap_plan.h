#pragma once

#include <iosfwd>

#include "planner/cli/subject_options.h"

namespace pipeloom::planner {

// Why that split: the step's time and the exposed all-to-all over the splits. Nothing where there is no all-to-all.
void print_split(const Subject& subject, std::ostream& out);

}  // namespace pipeloom::planner
