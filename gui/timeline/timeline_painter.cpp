#include "gui/timeline/timeline_painter.h"

#include <QPaintEngine>
#include <algorithm>
#include <cmath>

#include "gui/timeline/glyphs.h"
#include "gui/timeline/overlay.h"
#include "gui/timeline/vector_lane.h"

namespace pipeloom::gui {

namespace {

constexpr int kLabelPadding = 1;
constexpr int kSmallLabel = 9;

// The pixel size of labels in a bar of this height; 0: too low for any.
int label_size(int height) {
  if (height < 9) return 0;
  return std::min(height - 2, 11);
}

bool is_vector(const QPainter& painter) {
  return painter.paintEngine() != nullptr && painter.paintEngine()->type() == QPaintEngine::SVG;
}

// The background of what rows of pixels will not cover: a fill below all of them would write each pixel twice.
void fill_uncovered(QPainter& painter, const Frame& frame) {
  const QColor& base = frame.theme->base;
  int bottom = Frame::kRulerHeight;
  for (const Row& row : frame.rows.rows) {
    const int y = Frame::kRulerHeight + row.y - frame.scroll_y;
    if (y + row.height <= Frame::kRulerHeight || y >= frame.height) continue;
    if (y > bottom) painter.fillRect(0, bottom, frame.width, y - bottom, base);
    bottom = y + row.height;
    const auto length = static_cast<double>(frame.pictures[row.picture]->length_ns);
    const double shown = std::clamp(frame.window_of(row.picture).x_of(length), 0.0, frame.window.width);
    const int shown_to = Frame::kNamesWidth + static_cast<int>(shown);
    painter.fillRect(shown_to, y, frame.width - shown_to, row.height, base);
  }
  painter.fillRect(0, bottom, frame.width, std::max(0, frame.height - bottom), base);
}

}  // namespace

void TimelinePainter::paint(QPainter& painter, const Frame& frame) {
  if (is_vector(painter)) {
    painter.fillRect(0, 0, frame.width, frame.height, frame.theme->base);
  } else {
    fill_uncovered(painter, frame);
  }
  const QRect below_ruler(0, Frame::kRulerHeight, frame.width, frame.height - Frame::kRulerHeight);
  painter.save();
  painter.setClipRect(below_ruler);
  paint_grid(painter, frame);
  paint_rows(painter, frame);
  paint_names(painter, frame);
  paint_marked(painter, frame);
  painter.restore();
  paint_ruler(painter, frame);
}

void TimelinePainter::paint_rows(QPainter& painter, const Frame& frame) {
  if (frame.window.width < 1) return;
  if (is_vector(painter)) {
    paint_vector_rows(painter, frame);
  } else {
    paint_raster_rows(painter, frame, painter.device()->devicePixelRatioF());
  }
}

// `scale`: device pixels per pixel.
void TimelinePainter::paint_raster_rows(QPainter& painter, const Frame& frame, double scale) {
  const int width = static_cast<int>(frame.window.width * scale);
  for (const Row& row : frame.rows.rows) {
    const int y = Frame::kRulerHeight + row.y - frame.scroll_y;
    if (y + row.height <= Frame::kRulerHeight || y >= frame.height) continue;
    const int height = static_cast<int>(row.height * scale);
    // One image of the highest row so far serves all rows.
    if (lanes_.width() != width || lanes_.height() < height) {
      lanes_ = QImage(width, std::max(height, lanes_.height()), QImage::Format_RGB32);
    }
    TimeWindow window = frame.window_of(row.picture);
    window.width = width;
    const Picture& picture = *frame.pictures[row.picture];
    const RankPicture& rank = picture.ranks[row.rank];
    if (row.is_memory()) {
      paint_raster_memory(*rank.memory, window, *frame.theme, 0, 0, height);
    } else {
      const PictureLane& lane = rank.lanes[row.lane];
      raster_.paint(lane, window, frame.theme->palette, lanes_, 0, 0, height);
      paint_labels(picture, lane, frame.theme->palette, 0, 0, height, scale);
    }
    // Past the end of this picture there is nothing, not even idle time.
    const double end_x = window.x_of(static_cast<double>(picture.length_ns));
    const int shown = std::clamp(static_cast<int>(std::ceil(end_x)), 0, width);
    if (scale == 1) {
      painter.drawImage(QPoint(Frame::kNamesWidth, y), lanes_, QRect(0, 0, shown, height));
    } else {
      painter.drawImage(QRectF(Frame::kNamesWidth, y, shown / scale, row.height), lanes_, QRectF(0, 0, shown, height));
    }
  }
}

void TimelinePainter::paint_labels(const Picture& picture, const PictureLane& lane, const Palette& palette, int left,
                                   int top, int height, double scale) {
  if (!picture.label) return;
  for (const LabelPlace& place : raster_.labels()) {
    const LaneSpan& span = *place.span;
    const bool pair = span.upper != span.lower;
    for (int half = 0; half < (pair ? 2 : 1); ++half) {
      const int half_height = pair ? height / 2 : height;
      const int size = label_size(static_cast<int>(half_height / scale));
      if (size == 0) continue;
      std::string text = picture.label(picture, lane, span, half == 1);
      const int room = place.right - place.left - kLabelPadding;
      // "F12", else smaller, else "12".
      int text_size = static_cast<int>(size * scale);
      const int smaller = std::min(text_size, static_cast<int>(kSmallLabel * scale));
      if (Glyphs::of_size(text_size).width(text) > room) text_size = smaller;
      if (Glyphs::of_size(text_size).width(text) > room && lane.role == LaneRole::kPasses) text.erase(0, 1);
      const Glyphs& glyphs = Glyphs::of_size(text_size);
      if (glyphs.width(text) > room) continue;
      const Look& look = palette.looks[half == 1 ? span.lower : span.upper];
      const int x = left + (place.left + place.right - glyphs.width(text)) / 2 + 1;
      const int y = top + half * (height - height / 2) + (half_height - glyphs.height()) / 2;
      if (look.hatch != Hatch::kNone) {
        // A quiet plate below the text, or the hatch would eat it.
        for (int row = std::max(y - 1, top); row < std::min(y + glyphs.height() + 1, top + height); ++row) {
          auto* pixels = reinterpret_cast<QRgb*>(lanes_.scanLine(row));
          std::fill(pixels + x - 1, pixels + x + glyphs.width(text) + 1, look.fill);
        }
      }
      glyphs.draw(lanes_, x, y, text, look.text, left + place.left, left + place.right);
    }
  }
}

void TimelinePainter::paint_raster_memory(const MemoryCurve& curve, const TimeWindow& window, const Theme& theme,
                                          int left, int top, int height) {
  const std::vector<MemoryRange> columns = memory_columns(curve, window);
  const auto level = [&](int64_t held) {
    return height -
           static_cast<int>(std::lround(static_cast<double>(held) / static_cast<double>(curve.top()) * height));
  };
  const int resident = level(curve.resident);
  const int capacity = curve.capacity > 0 ? level(curve.capacity) : -1;
  for (int y = 0; y < height; ++y) {
    auto* row = reinterpret_cast<QRgb*>(lanes_.scanLine(top + y)) + left;
    for (size_t x = 0; x < columns.size(); ++x) {
      const int most = level(curve.resident + columns[x].most);
      const int least = level(curve.resident + columns[x].least);
      QRgb colour = y >= resident ? theme.resident_fill.rgb() : y >= most ? theme.memory_fill.rgb() : theme.base.rgb();
      if (y >= most && y <= std::max(least, most)) colour = theme.memory.rgb();
      // Dashed; solid red where it is passed.
      if (y == capacity && (y >= most || ((x / 4) & 1) == 0)) colour = theme.critical.rgb();
      row[x] = colour;
    }
  }
}

void TimelinePainter::paint_vector_rows(QPainter& painter, const Frame& frame) {
  for (const Row& row : frame.rows.rows) {
    const int y = Frame::kRulerHeight + row.y - frame.scroll_y;
    if (y + row.height <= Frame::kRulerHeight || y >= frame.height) continue;
    const Picture& picture = *frame.pictures[row.picture];
    const RankPicture& rank = picture.ranks[row.rank];
    TimeWindow window = frame.window_of(row.picture);
    const double shown = std::clamp(window.x_of(static_cast<double>(picture.length_ns)), 0.0, window.width);
    const QRectF place(Frame::kNamesWidth, y, shown, row.height);
    if (row.is_memory()) {
      paint_vector_memory(painter, *rank.memory, window, *frame.theme, place);
    } else if (has_few_spans(rank.lanes[row.lane], window)) {
      paint_vector_lane(painter, picture, rank.lanes[row.lane], window, frame.theme->palette, place);
    } else {
      QImage image(static_cast<int>(window.width), row.height, QImage::Format_RGB32);
      raster_.paint(rank.lanes[row.lane], window, frame.theme->palette, image, 0, 0, row.height);
      painter.drawImage(place, image, QRectF(0, 0, place.width(), row.height));
    }
  }
}

}  // namespace pipeloom::gui
