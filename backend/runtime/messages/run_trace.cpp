#include "backend/runtime/messages/run_trace.h"

namespace pipeloom::backend {

Result<RunTrace> collect_trace(Meeting& meeting, const ClockReading& first, std::vector<Span> own, int64_t begin_ns,
                               int replica) {
  PIPELOOM_TRY(const ClockReading last, meeting.read_clock());
  const ClockLine clock(first, last);
  for (Span& span : own) {
    span.begin_ns = clock.of_rank_0(span.begin_ns) - begin_ns;
    span.end_ns = clock.of_rank_0(span.end_ns) - begin_ns;
    span.replica = replica;
  }
  RunTrace trace;
  PIPELOOM_TRY(trace.clock_error_ns, meeting.largest(clock.error_ns()));
  PIPELOOM_TRY(trace.spans, meeting.spans(own));
  return trace;
}

}  // namespace pipeloom::backend
