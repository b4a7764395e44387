#pragma once

#include <QImage>
#include <QPainter>

#include "gui/timeline/frame.h"
#include "gui/timeline/lane_raster.h"

namespace pipeloom::gui {

// Paints frames on any device. On a raster device lanes are painted column by column into an image that is kept for the
// next frame; on a vector device (SVG) a lane with few spans in view becomes rectangles and texts, one with many a
// picture. One thread at a time.
class TimelinePainter {
 public:
  void paint(QPainter& painter, const Frame& frame);

 private:
  void paint_rows(QPainter& painter, const Frame& frame);
  void paint_raster_rows(QPainter& painter, const Frame& frame, double scale);
  void paint_vector_rows(QPainter& painter, const Frame& frame);
  void paint_labels(const Picture& picture, const PictureLane& lane, const Palette& palette, int left, int top,
                    int height, double scale);
  void paint_raster_memory(const MemoryCurve& curve, const TimeWindow& window, const Theme& theme, int left, int top,
                           int height);

  LaneRaster raster_;
  QImage lanes_;
};

}  // namespace pipeloom::gui
