#include "gui/timeline/ruler.h"

#include <cmath>

namespace pipeloom {

std::vector<int64_t> ruler_marks(const TimeWindow& window, double apart) {
  const double least = std::max(window.ns_per_pixel() * apart, 1.0);
  const double magnitude = std::pow(10, std::floor(std::log10(least)));
  double step = magnitude * 10;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (magnitude * factor >= least) step = magnitude * factor;
  }
  std::vector<int64_t> marks;
  for (double mark = std::ceil(window.begin_ns / step) * step; mark <= window.end_ns; mark += step) {
    marks.push_back(std::llround(mark));
  }
  return marks;
}

}  // namespace pipeloom
