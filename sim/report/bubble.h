#pragma once

#include <cstdint>
#include <vector>

#include "core/schedule/schedule.h"
#include "core/schedule/timeline.h"

namespace pipeloom::sim {

// Busy and idle time of the compute lanes, by both definitions in use (docs/research/schedules.md, section 0). Global:
// idle within the makespan. Span: idle within the longest time from one rank's first start to its last end, for
// optimizers that do not wait for all ranks (zero-bubble papers).
struct Bubble {
  int64_t makespan_ns = 0;
  int64_t span_ns = 0;
  std::vector<int64_t> busy_ns;  // [rank]

  int64_t global_ns(int rank) const { return makespan_ns - busy_ns[rank]; }
  int64_t span_bubble_ns(int rank) const { return span_ns - busy_ns[rank]; }
  // Idle time of all ranks divided by ranks * makespan (or span). In [0, 1]; 0 for an empty step.
  double global_rate() const { return rate(makespan_ns); }
  double span_rate() const { return rate(span_ns); }

 private:
  double rate(int64_t length_ns) const;
};

Bubble measure_bubble(const Schedule& schedule, const Timeline& timeline);

}  // namespace pipeloom::sim
