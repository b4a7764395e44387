#include "planner/diff/overlap.h"

#include <algorithm>

namespace pipeloom::planner {

int64_t covered_ns(const std::vector<Interval>& intervals, std::vector<Interval> cover) {
  std::ranges::sort(cover, {}, &Interval::begin_ns);
  int64_t covered = 0;
  for (const Interval& interval : intervals) {
    auto next = std::ranges::upper_bound(cover, interval.begin_ns, {}, &Interval::end_ns);
    for (; next != cover.end() && next->begin_ns < interval.end_ns; ++next) {
      covered += std::min(interval.end_ns, next->end_ns) - std::max(interval.begin_ns, next->begin_ns);
    }
  }
  return covered;
}

}  // namespace pipeloom::planner
