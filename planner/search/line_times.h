#pragma once

#include <cstdint>
#include <vector>

#include "planner/search/problem.h"

namespace pipeloom::planner {

// The least times between ops of lines, whichever ops run alone and whichever in pairs. All in ns.
class LineTimes {
 public:
  explicit LineTimes(const SearchProblem& problem);

  // [line] Least time from the start of an op to the start of the op that takes its output; if nothing takes it, until
  // the output is ready.
  int64_t hand_over_ns(int line) const { return hand_over_ns_[line]; }
  // [line] Least work of an op whose slot is in no pair. If B is cheaper than I and W, a B counts as an I and a shorter
  // W.
  int64_t alone_ns(int line) const { return alone_ns_[line]; }
  // [line] Length of the shortest slot that an op can be in.
  int64_t duration_ns(int line) const { return duration_ns_[line]; }
  // [line] Least time from time 0 to the start of the line's first op.
  int64_t head_ns(int line) const { return head_ns_[line]; }
  // [line of I] Least time from the end of an op to the end of the W of stage 0, or of the I if there is no W.
  int64_t tail_ns(int line) const { return tail_ns_[line]; }

 private:
  std::vector<int64_t> hand_over_ns_;
  std::vector<int64_t> alone_ns_;
  std::vector<int64_t> duration_ns_;
  std::vector<int64_t> head_ns_;
  std::vector<int64_t> tail_ns_;
};

}  // namespace pipeloom::planner
