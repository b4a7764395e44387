#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

#include "backend/transport/endpoint.h"

namespace pipeloom::backend {

// A machine's steady clock. Ranks with equal `machine` share it.
struct SteadyClock {
  uint64_t machine = 0;
  std::function<int64_t()> now_ns;
};
SteadyClock clock_of_this_machine();

// How far rank 0's clock is ahead of this rank's at one moment, at most `error_ns` more or less.
struct ClockReading {
  int64_t at_ns = 0;  // of this rank's clock
  int64_t ahead_ns = 0;
  int64_t error_ns = 0;
};

// Every rank calls it together. Ranks of rank 0's machine read its clock; the others ask it, and of several answers the
// fastest counts: it was on its way for at most `error_ns` in one of the directions (Cristian, Distributed Computing 3,
// 1989). Takes this number and the next.
Result<ClockReading> read_clock(Endpoint& endpoint, int64_t number, const SteadyClock& clock, int64_t patience_ns);

// Rank 0's time for moments between two readings, along a line: clocks drift.
class ClockLine {
 public:
  ClockLine(const ClockReading& first, const ClockReading& last) : first_(first), last_(last) {}

  int64_t of_rank_0(int64_t own_ns) const;
  int64_t error_ns() const { return std::max(first_.error_ns, last_.error_ns); }

 private:
  ClockReading first_;
  ClockReading last_;
};

}  // namespace pipeloom::backend
