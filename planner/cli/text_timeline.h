#pragma once

#include <string>

#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"
#include "planner/cli/program.h"

namespace pipeloom::planner {

// A line per rank over the makespan. With colour a slot is a coloured block with its micro-batch number; without, a
// letter, the number and dashes ("F3--"; X is a pair, a dot is idle time). A legend follows.
std::string text_timeline(const Schedule& schedule, const Timeline& timeline, const Terminal& terminal);

}  // namespace pipeloom::planner
