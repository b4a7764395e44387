#pragma once

#include <cstdint>
#include <vector>

#include "gui/timeline/time_window.h"
#include "sim/report/memory.h"

namespace pipeloom::gui {

// What a rank holds over time, and how much it may hold. Bytes, or millionths of an activation.
struct MemoryCurve {
  std::vector<sim::MemoryPoint> points;  // activations: a step curve from (0, 0)
  int64_t resident = 0;                  // always there besides
  int64_t capacity = 0;                  // 0: no limit is known
  int64_t peak = 0;                      // of both together
  int64_t peak_ns = 0;                   // where it is first reached

  int64_t held_at(int64_t time_ns) const;  // both together
  // What the top of the picture stands for: the capacity or, where that is less, the peak, with a little room.
  int64_t top() const;
};
MemoryCurve memory_curve(std::vector<sim::MemoryPoint> points, int64_t resident, int64_t capacity);

// Least and most activations in each pixel column of the window. O(points in view + columns).
struct MemoryRange {
  int64_t least = 0;
  int64_t most = 0;
};
std::vector<MemoryRange> memory_columns(const MemoryCurve& curve, const TimeWindow& window);

}  // namespace pipeloom::gui
