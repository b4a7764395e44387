#pragma once

#include <cstdint>

#include "core/units.h"

namespace pipeloom {

// What a task still has to do, in 2^-20 ns of its time alone: exact integers, whatever rates it met.
using Work = int128_t;
inline constexpr int kWorkShift = 20;

inline Work whole_work(int64_t alone_ns) {
  return Work{alone_ns} << kWorkShift;
}

// A task that would take alone_ns alone and beside_ns beside what runs now: how long until `left` is done, rounded up.
inline int64_t time_for(Work left, int64_t alone_ns, int64_t beside_ns) {
  if (left == 0) return 0;
  const Work divisor = Work{alone_ns} << kWorkShift;
  return static_cast<int64_t>((left * beside_ns + divisor - 1) / divisor);
}

// What it does in `ns`, rounded down, and never more than is left.
inline Work work_in(int64_t ns, Work left, int64_t alone_ns, int64_t beside_ns) {
  if (beside_ns == 0) return left;
  const Work done = (whole_work(alone_ns) * ns) / beside_ns;
  return done < left ? done : left;
}

}  // namespace pipeloom
