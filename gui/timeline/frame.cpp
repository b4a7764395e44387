#include "gui/timeline/frame.h"

#include <QRectF>
#include <algorithm>

namespace pipeloom::gui {

int64_t Frame::length_ns() const {
  int64_t length_ns = 1;
  for (const Picture* picture : pictures) length_ns = std::max(length_ns, picture->length_ns);
  return length_ns;
}

TimeWindow Frame::window_of(int picture) const {
  if (!normalised) return window;
  const double scale = static_cast<double>(pictures[picture]->length_ns) / static_cast<double>(length_ns());
  return {window.begin_ns * scale, window.end_ns * scale, window.width};
}

QRectF Frame::rectangle_of(const LaneStretch& stretch) const {
  const Row* row = rows.row_of(stretch.picture, stretch.rank, stretch.role, pictures);
  if (row == nullptr) return {};
  const TimeWindow shown = window_of(stretch.picture);
  const double x0 = shown.x_of(static_cast<double>(stretch.begin_ns));
  const double x1 = shown.x_of(static_cast<double>(stretch.end_ns));
  return {kNamesWidth + x0, static_cast<double>(kRulerHeight + row->y - scroll_y), std::max(x1 - x0, 1.0),
          static_cast<double>(row->height)};
}

}  // namespace pipeloom::gui
