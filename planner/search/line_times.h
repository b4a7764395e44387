#pragma once

#include <cstdint>
#include <vector>

#include "planner/search/problem.h"

namespace pipeloom::planner {

// The least that lines wait for each other, whatever runs alone and whatever in pairs.
class LineTimes {
 public:
  explicit LineTimes(const SearchProblem& problem);

  // [line] From the start of an op to the start of the op that takes its output, at least; for the last line of a
  // pipe's way, to its end.
  int64_t hand_over_ns(int line) const { return hand_over_ns_[line]; }
  // [line] The least work of an op whose slot is in no pair. Where B is cheaper than I and W, a B counts as an I and a
  // shorter W.
  int64_t alone_ns(int line) const { return alone_ns_[line]; }
  // [line] The shortest slot that an op can be in.
  int64_t duration_ns(int line) const { return duration_ns_[line]; }
  // [line] From time 0 to the start of the line's first op.
  int64_t head_ns(int line) const { return head_ns_[line]; }
  // [line of I] From the end of an op to the end of the W (of the I, where there is no W) of stage 0.
  int64_t tail_ns(int line) const { return tail_ns_[line]; }

 private:
  std::vector<int64_t> hand_over_ns_;
  std::vector<int64_t> alone_ns_;
  std::vector<int64_t> duration_ns_;
  std::vector<int64_t> head_ns_;
  std::vector<int64_t> tail_ns_;
};

}  // namespace pipeloom::planner
