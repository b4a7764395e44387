#include "gui/timeline/ruler.h"

#include <fmt/format.h>

#include <cmath>

#include "core/base/units.h"

namespace pipeloom::gui {

Ruler ruler_of(const TimeWindow& window, double apart) {
  const double least = std::max(window.ns_per_pixel() * apart, 1.0);
  const double magnitude = std::pow(10, std::floor(std::log10(least)));
  double step = magnitude * 10;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (magnitude * factor >= least) step = magnitude * factor;
  }
  Ruler ruler;
  ruler.step_ns = std::max<int64_t>(std::llround(step), 1);
  for (double mark = std::ceil(window.begin_ns / step) * step; mark <= window.end_ns; mark += step) {
    ruler.marks_ns.push_back(std::llround(mark));
  }
  return ruler;
}

std::string ruler_text(int64_t time_ns, int64_t step_ns, bool plain_units) {
  if (plain_units) return format_millionths(time_ns);
  struct Unit {
    const char* name;
    int64_t ns;
  };
  // The largest unit of which a step is at least a hundredth.
  Unit unit = {"ns", 1};
  for (const Unit larger : {Unit{"us", 1'000}, Unit{"ms", 1'000'000}, Unit{"s", 1'000'000'000}}) {
    if (step_ns * 100 >= larger.ns && time_ns >= larger.ns) unit = larger;
  }
  int digits = 0;
  for (int64_t part = unit.ns; digits < 3 && step_ns % part != 0; part /= 10) ++digits;
  return fmt::format("{:.{}f} {}", static_cast<double>(time_ns) / static_cast<double>(unit.ns), digits, unit.name);
}

}  // namespace pipeloom::gui
