#pragma once

#include <cstdint>
#include <vector>

#include "planner/search/line_times.h"
#include "planner/search/precedences.h"
#include "planner/search/problem.h"

namespace pipeloom::planner {

// The precedences of a problem and what follows from them: which ops of a rank come before which in every schedule, how
// much work lies between two of them, the earliest start of every op, and the least time that follows it. Memory: 16
// bytes an op, and lines * lines per rank * window.
class LineGraph {
 public:
  static constexpr int32_t kUnrelated = INT32_MAX / 4;
  static constexpr int64_t kLongAgo = INT64_MIN / 4;

  explicit LineGraph(const SearchProblem& problem);

  const SearchProblem& problem() const { return problem_; }
  const LineTimes& times() const { return times_; }
  const std::vector<Precedence>& precedences() const { return precedences_; }
  // Returns the least shift for which op i + shift of line `to` comes after op i of line `from` in every schedule;
  // kUnrelated if there is none. REQUIRES: lines of one rank.
  int32_t shift(int from, int to) const { return shift_[static_cast<size_t>(from) * per_rank_ + local_[to]]; }

  // Raises each op's time to what the precedences, and the work between ops, make of the times given. Heads are
  // earliest starts; tails run from the start of the op to the end of what counts. O(ops * (precedences + window)).
  void raise_heads(std::vector<int64_t>& heads) const;
  void raise_tails(std::vector<int64_t>& tails) const;

 private:
  void sort_lines();
  void measure_shifts();
  void measure_work_between();
  size_t between(int a, int b, int32_t ops) const {
    return (static_cast<size_t>(a) * per_rank_ + local_[b]) * window_ + ops;
  }

  const SearchProblem& problem_;
  LineTimes times_;
  std::vector<Precedence> precedences_;
  std::vector<std::vector<Precedence>> into_;  // [line]
  std::vector<std::vector<Precedence>> from_;  // [line]
  std::vector<int> sorted_;
  std::vector<int> local_;  // [line] number among the lines of its rank
  int per_rank_ = 0;
  int32_t max_ops_ = 0;              // ops of the longest line
  int32_t window_ = 0;               // shifts for which work between ops is measured
  std::vector<int32_t> shift_;       // [line][local line]
  std::vector<int64_t> between_ns_;  // [line][local line][shift]
};

}  // namespace pipeloom::planner
