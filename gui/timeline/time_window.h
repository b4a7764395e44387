#pragma once

#include <algorithm>

namespace pipeloom::gui {

// The stretch of time that a picture shows over `width` pixels. Times in ns; fractions matter when zoomed in far.
struct TimeWindow {
  double begin_ns = 0;
  double end_ns = 1;
  double width = 1;  // pixels

  double length_ns() const { return end_ns - begin_ns; }
  double ns_per_pixel() const { return length_ns() / width; }
  double x_of(double time_ns) const { return (time_ns - begin_ns) / length_ns() * width; }
  double time_at(double x) const { return begin_ns + x / width * length_ns(); }

  // Shorter by `factor`, with the time below `x` left where it is. Never shorter than a nanosecond per 10 pixels.
  TimeWindow zoomed(double factor, double x) const {
    const double length = std::max(length_ns() * factor, width / 10);
    const double begin = time_at(x) - x / width * length;
    return {begin, begin + length, width};
  }
  TimeWindow moved(double ns) const { return {begin_ns + ns, end_ns + ns, width}; }
  // Within [0, whole_ns], and not longer.
  TimeWindow kept_within(double whole_ns) const {
    const double length = std::min(length_ns(), whole_ns);
    const double begin = std::clamp(begin_ns, 0.0, whole_ns - length);
    return {begin, begin + length, width};
  }
  bool operator==(const TimeWindow&) const = default;
};

}  // namespace pipeloom::gui
