#pragma once

#include <QPainter>
#include <vector>

#include "gui/timeline/picture.h"
#include "gui/timeline/theme.h"

namespace pipeloom::gui {

// By how much each rank of `picture` is idle for a larger share of its step than the same rank of `base`; below 0: for
// a smaller one. [rank]; empty: they have other numbers of ranks.
std::vector<double> idle_differences(const Picture& base, const Picture& picture);

// One bar a rank, upwards where it is idle for longer, with the range in words: right-aligned in `place`. Nothing where
// there is no room.
void paint_idle_differences(QPainter& painter, const QRect& place, const Picture& base,
                            const std::vector<double>& differences, const Theme& theme);

}  // namespace pipeloom::gui
