#pragma once

#include <cstdint>
#include <vector>

#include "gui/timeline/time_window.h"

namespace pipeloom {

// Marks of the time axis at a round distance (1, 2 or 5 times a power of ten), at least `apart` pixels from each other.
std::vector<int64_t> ruler_marks(const TimeWindow& window, double apart);

}  // namespace pipeloom
