#pragma once

#include <QPainter>
#include <QRectF>

#include "gui/timeline/picture.h"
#include "gui/timeline/theme.h"
#include "gui/timeline/time_window.h"

namespace pipeloom::gui {

// Lanes as rectangles, lines and texts, for devices without pixels. `place`: of the lane.

// Few enough for that: a rectangle for every eight pixels at most.
bool has_few_spans(const PictureLane& lane, const TimeWindow& window);
void paint_vector_lane(QPainter& painter, const Picture& picture, const PictureLane& lane, const TimeWindow& window,
                       const Palette& palette, const QRectF& place);
void paint_vector_memory(QPainter& painter, const MemoryCurve& curve, const TimeWindow& window, const Theme& theme,
                         const QRectF& place);

// The sample of a look in legends and tables.
void paint_swatch(QPainter& painter, const Look& look, const QRectF& place);

}  // namespace pipeloom::gui
