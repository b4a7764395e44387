#include "sim/report/bubble.h"

#include <algorithm>

namespace pipeloom::sim {

double Bubble::rate(int64_t length_ns) const {
  if (length_ns == 0) return 0;
  double idle_ns = 0;
  for (const int64_t busy : busy_ns) idle_ns += static_cast<double>(length_ns - busy);
  return idle_ns / (static_cast<double>(length_ns) * static_cast<double>(busy_ns.size()));
}

Bubble measure_bubble(const Schedule& schedule, const Timeline& timeline) {
  Bubble bubble;
  bubble.makespan_ns = timeline.makespan_ns;
  for (int rank = 0; rank < schedule.ranks(); ++rank) {
    int64_t busy_ns = 0;
    const uint32_t first = schedule.first_slot(rank);
    const uint32_t end = schedule.first_slot(rank + 1);
    for (uint32_t slot = first; slot < end; ++slot) busy_ns += timeline.end_ns[slot] - timeline.start_ns[slot];
    bubble.busy_ns.push_back(busy_ns);
    if (first < end) bubble.span_ns = std::max(bubble.span_ns, timeline.end_ns[end - 1] - timeline.start_ns[first]);
  }
  return bubble;
}

}  // namespace pipeloom::sim
