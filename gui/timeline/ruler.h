#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gui/timeline/time_window.h"

namespace pipeloom::gui {

// Marks of the time axis at a round distance (1, 2 or 5 times a power of ten), at least `apart` pixels from each other.
struct Ruler {
  std::vector<int64_t> marks_ns;
  int64_t step_ns = 1;
};
Ruler ruler_of(const TimeWindow& window, double apart);
// With as many digits as the step has: "2 s", "12.5 ms"; without a unit where `plain_units`.
std::string ruler_text(int64_t time_ns, int64_t step_ns, bool plain_units);

}  // namespace pipeloom::gui
