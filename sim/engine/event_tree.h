#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace pipeloom::sim {

// Finds which of a fixed number of clocks rings next. A tournament tree: a change costs O(log clocks) and no memory. If
// clocks ring together, the lowest number is first.
class EventTree {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // Sets all clocks to kNever. REQUIRES: clocks > 0.
  explicit EventTree(uint32_t clocks);

  uint32_t first() const { return winner_[1]; }
  int64_t time_ns(uint32_t clock) const { return time_ns_[clock]; }
  void set(uint32_t clock, int64_t time_ns);

 private:
  uint32_t leaves_ = 1;  // a power of two
  std::vector<int64_t> time_ns_;
  std::vector<uint32_t> winner_;  // [node] 1 is the root; the children of n are 2n and 2n + 1
};

}  // namespace pipeloom::sim
