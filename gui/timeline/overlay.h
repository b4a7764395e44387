#pragma once

#include <QPainter>

#include "gui/timeline/frame.h"

namespace pipeloom::gui {

// What surrounds and covers the lanes of a frame.
void paint_grid(QPainter& painter, const Frame& frame);
void paint_ruler(QPainter& painter, const Frame& frame);
// Ranks with their idle and hidden shares, and the pictures' titles.
void paint_names(QPainter& painter, const Frame& frame);
// Selection, dependencies, search hits, marks and the measured range.
void paint_marked(QPainter& painter, const Frame& frame);

}  // namespace pipeloom::gui
