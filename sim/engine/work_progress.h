#pragma once

#include <cstdint>

#include "core/base/units.h"

namespace pipeloom::sim {

// What a task still has to do, in 2^-20 ns of its time alone: exact integers, whatever rates it met.
using Work = int128_t;
inline constexpr int kWorkShift = 20;

inline Work whole_work(int64_t alone_ns) {
  return Work{alone_ns} << kWorkShift;
}

// A task that would take alone_ns alone and beside_ns beside what runs now: how long until `left` is done, rounded up.
inline int64_t time_for(Work left, int64_t alone_ns, int64_t beside_ns) {
  if (left == 0) return 0;
  if (alone_ns == beside_ns) return static_cast<int64_t>((left + (Work{1} << kWorkShift) - 1) >> kWorkShift);
  const Work divisor = whole_work(alone_ns);
  if (left == divisor) return beside_ns;
  return static_cast<int64_t>((left * beside_ns + divisor - 1) / divisor);
}

// What it does in `ns`, rounded down, and never more than is left.
inline Work work_in(int64_t ns, Work left, int64_t alone_ns, int64_t beside_ns) {
  if (beside_ns == 0) return left;
  const Work done = alone_ns == beside_ns ? whole_work(ns) : (whole_work(alone_ns) * ns) / beside_ns;
  return done < left ? done : left;
}

// A task under way: what was left of it when its rate last changed, and that rate (beside_ns for alone_ns of work).
class WorkProgress {
 public:
  WorkProgress() = default;
  WorkProgress(int64_t now_ns, Work work) : left_(work), since_ns_(now_ns) {}

  int64_t end_ns() const { return since_ns_ + time_for(left_, alone_ns_, beside_ns_); }
  // From now on. Nothing is rounded where the rate stays what it was. REQUIRES: the task has not ended before now.
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
