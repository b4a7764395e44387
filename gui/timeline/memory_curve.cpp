#include "gui/timeline/memory_curve.h"

#include <algorithm>

namespace pipeloom::gui {

namespace {

// The point that holds at `time_ns`. REQUIRES: points are not empty.
size_t point_at(const std::vector<sim::MemoryPoint>& points, double time_ns) {
  const auto after = std::partition_point(points.begin(), points.end(), [&](const sim::MemoryPoint& point) {
    return static_cast<double>(point.time_ns) <= time_ns;
  });
  return after == points.begin() ? 0 : static_cast<size_t>(after - points.begin()) - 1;
}

}  // namespace

int64_t MemoryCurve::held_at(int64_t time_ns) const {
  return resident + (points.empty() ? 0 : points[point_at(points, static_cast<double>(time_ns))].held);
}

int64_t MemoryCurve::top() const {
  const int64_t most = std::max(capacity, peak);
  return std::max<int64_t>(most + most / 12, 1);
}

MemoryCurve memory_curve(std::vector<sim::MemoryPoint> points, int64_t resident, int64_t capacity) {
  MemoryCurve curve = {std::move(points), resident, capacity, resident, 0};
  for (const sim::MemoryPoint& point : curve.points) {
    if (resident + point.held <= curve.peak) continue;
    curve.peak = resident + point.held;
    curve.peak_ns = point.time_ns;
  }
  return curve;
}

std::vector<MemoryRange> memory_columns(const MemoryCurve& curve, const TimeWindow& window) {
  std::vector<MemoryRange> columns(static_cast<size_t>(window.width));
  if (curve.points.empty()) return columns;
  size_t point = point_at(curve.points, window.begin_ns);
  for (size_t column = 0; column < columns.size(); ++column) {
    const double end_ns = window.time_at(static_cast<double>(column + 1));
    MemoryRange range = {curve.points[point].held, curve.points[point].held};
    while (point + 1 < curve.points.size() && static_cast<double>(curve.points[point + 1].time_ns) < end_ns) {
      ++point;
      range.least = std::min(range.least, curve.points[point].held);
      range.most = std::max(range.most, curve.points[point].held);
    }
    columns[column] = range;
  }
  return columns;
}

}  // namespace pipeloom::gui
