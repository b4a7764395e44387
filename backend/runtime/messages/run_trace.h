#pragma once

#include <vector>

#include "backend/runtime/messages/meeting.h"
#include "core/tasks/trace.h"

namespace pipeloom::backend {

// What all ranks did in a step, in rank 0's time from the step's start. On rank 0; empty on the others.
struct RunTrace {
  std::vector<Span> spans;     // rank after rank
  int64_t clock_error_ns = 0;  // the largest of any rank's clock; 0: all are on one machine
};

// Every rank calls it together, at the end of the run. `own` in this rank's steady time, of a step that began at
// `begin_ns` of rank 0's; `first`: the reading of the clock at the start of the run.
Result<RunTrace> collect_trace(Meeting& meeting, const ClockReading& first, std::vector<Span> own, int64_t begin_ns,
                               int replica);

}  // namespace pipeloom::backend
