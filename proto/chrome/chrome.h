#pragma once

#include <string>

#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"

namespace pipeloom::proto {

// The timeline as Chrome trace JSON (chrome://tracing, ui.perfetto.dev): a process per rank with its compute lane, a
// complete event per slot, an arrow per hand-over between ranks. Times in us, exact to the ns.
// REQUIRES: the timeline is of this schedule.
std::string chrome_trace(const Schedule& schedule, const Timeline& timeline, const std::string& title);

}  // namespace pipeloom::proto
