#pragma once

#include <cstdint>

#include "core/base/units.h"

namespace pipeloom::sim {

// The remaining work of a task, in 2^-20 ns of its time alone. Exact integers, whatever rates it met.
using Work = int128_t;
inline constexpr int kWorkShift = 20;

inline Work whole_work(int64_t alone_ns) {
  return Work{alone_ns} << kWorkShift;
}

// Returns how long until `left` is done, rounded up, for a task that takes alone_ns alone and beside_ns beside what
// runs now.
inline int64_t time_for(Work left, int64_t alone_ns, int64_t beside_ns) {
  if (left == 0) return 0;
  if (alone_ns == beside_ns) return static_cast<int64_t>((left + (Work{1} << kWorkShift) - 1) >> kWorkShift);
  const Work divisor = whole_work(alone_ns);
  if (left == divisor) return beside_ns;
  return static_cast<int64_t>((left * beside_ns + divisor - 1) / divisor);
}

// Returns the work that such a task does in `ns`, rounded down and never more than `left`.
inline Work work_in(int64_t ns, Work left, int64_t alone_ns, int64_t beside_ns) {
  if (beside_ns == 0) return left;
  const Work done = alone_ns == beside_ns ? whole_work(ns) : (whole_work(alone_ns) * ns) / beside_ns;
  return done < left ? done : left;
}

// A running task: the work left when its rate last changed, and that rate (beside_ns for alone_ns of work).
class WorkProgress {
 public:
  WorkProgress() = default;
  WorkProgress(int64_t now_ns, Work work) : left_(work), since_ns_(now_ns) {}

  int64_t end_ns() const { return since_ns_ + time_for(left_, alone_ns_, beside_ns_); }
  // Changes the rate from `now_ns` on. Rounds nothing if the rate stays the same. REQUIRES: the task has not ended
  // before `now_ns`.
  void change_rate(int64_t now_ns, int64_t alone_ns, int64_t beside_ns) {
    if (alone_ns == alone_ns_ && beside_ns == beside_ns_) return;
    left_ -= work_in(now_ns - since_ns_, left_, alone_ns_, beside_ns_);
    since_ns_ = now_ns;
    alone_ns_ = alone_ns;
    beside_ns_ = beside_ns;
  }

 private:
  Work left_ = 0;
  int64_t since_ns_ = 0;
  int64_t alone_ns_ = 1;
  int64_t beside_ns_ = 1;
};

}  // namespace pipeloom::sim
