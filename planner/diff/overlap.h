#pragma once

#include <cstdint>
#include <vector>

namespace pipeloom::planner {

struct Interval {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

// Returns how much of `intervals`, in all, lies within `cover`. REQUIRES: intervals of `cover` don't overlap each
// other.
int64_t covered_ns(const std::vector<Interval>& intervals, std::vector<Interval> cover);

}  // namespace pipeloom::planner
