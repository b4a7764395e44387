#include "gui/timeline/vector_lane.h"

#include <QFontMetricsF>
#include <QLineF>
#include <QPolygonF>
#include <algorithm>
#include <cmath>

namespace pipeloom::gui {

namespace {

// Lines of slope `rise` (pixels down per pixel right: -1, 0 is not one) through the rectangle, 5 pixels apart.
void paint_slanted(QPainter& painter, const QRectF& r, double rise) {
  constexpr double kApart = 5;
  const double from = rise < 0 ? r.left() + r.top() : r.left() - r.bottom();
  const double until = rise < 0 ? r.right() + r.bottom() : r.right() - r.top();
  for (double c = std::ceil(from / kApart) * kApart; c < until; c += kApart) {
    // x = c - y where it rises, x = c + y where it falls.
    const auto x_at = [&](double y) { return rise < 0 ? c - y : c + y; };
    const auto y_at = [&](double x) { return rise < 0 ? c - x : x - c; };
    const double left = std::max(std::min(x_at(r.top()), x_at(r.bottom())), r.left());
    const double right = std::min(std::max(x_at(r.top()), x_at(r.bottom())), r.right());
    if (right > left) painter.drawLine(QLineF(left, y_at(left), right, y_at(right)));
  }
}

void paint_hatch(QPainter& painter, const Look& look, const QRectF& r) {
  painter.setPen(QPen(QColor(look.ink), 0.8));
  switch (look.hatch) {
    case Hatch::kNone:
      return;
    case Hatch::kRising:
    case Hatch::kSparse:
      return paint_slanted(painter, r, -1);
    case Hatch::kFalling:
      return paint_slanted(painter, r, 1);
    case Hatch::kCross:
      paint_slanted(painter, r, -1);
      return paint_slanted(painter, r, 1);
    case Hatch::kHorizontal:
      for (double y = r.top() + 2; y < r.bottom(); y += 4) painter.drawLine(QLineF(r.left(), y, r.right(), y));
      return;
    case Hatch::kVertical:
      for (double x = r.left() + 2; x < r.right(); x += 4) painter.drawLine(QLineF(x, r.top(), x, r.bottom()));
      return;
    case Hatch::kDots:
      for (double y = r.top() + 2; y < r.bottom() - 1; y += 4) {
        for (double x = r.left() + 2; x < r.right() - 1; x += 4) painter.fillRect(QRectF(x, y, 1, 1), QColor(look.ink));
      }
      return;
  }
}

void paint_bar(QPainter& painter, const Look& look, const QRectF& place) {
  painter.fillRect(place, QColor(look.fill));
  paint_hatch(painter, look, place);
}

void paint_label(QPainter& painter, const Look& look, const QRectF& place, std::string text, bool shorten) {
  if (place.height() < 9 || place.width() < 9) return;
  QFont font = painter.font();
  font.setPixelSize(std::min(static_cast<int>(place.height()) - 2, 11));
  painter.setFont(font);
  const QFontMetricsF metrics(font);
  QString shown = QString::fromStdString(text);
  if (shorten && metrics.horizontalAdvance(shown) > place.width() - 3) shown.remove(0, 1);
  const double width = metrics.horizontalAdvance(shown);
  if (width > place.width() - 3) return;
  const QRectF middle(place.center().x() - width / 2 - 1, place.center().y() - metrics.capHeight() / 2 - 1, width + 2,
                      metrics.capHeight() + 2);
  if (look.hatch != Hatch::kNone) painter.fillRect(middle, QColor(look.fill));
  painter.setPen(QColor(look.text));
  painter.drawText(QPointF(middle.left() + 1, middle.bottom() - 1), shown);
}

QRectF part_of(const LaneSpan& span, const TimeWindow& window, const QRectF& place) {
  const double x0 = std::max(window.x_of(static_cast<double>(span.begin_ns)), 0.0);
  const double x1 = std::min(window.x_of(static_cast<double>(span.end_ns)), window.width);
  return {place.left() + x0, place.top(), std::max(x1 - x0, 0.0), place.height()};
}

}  // namespace

bool has_few_spans(const PictureLane& lane, const TimeWindow& window) {
  const auto in_view = std::count_if(lane.spans.begin(), lane.spans.end(), [&](const LaneSpan& span) {
    return static_cast<double>(span.end_ns) > window.begin_ns && static_cast<double>(span.begin_ns) < window.end_ns;
  });
  return static_cast<double>(in_view) <= window.width / 3;
}

void paint_vector_lane(QPainter& painter, const Picture& picture, const PictureLane& lane, const TimeWindow& window,
                       const Palette& palette, const QRectF& place) {
  painter.fillRect(place, QColor(palette.lane));
  for (const LaneSpan& idle : lane.idle) {
    const QRectF bar = part_of(idle, window, place);
    if (bar.width() > 1) paint_bar(painter, palette.looks[idle.upper], bar);
  }
  for (const LaneSpan& span : lane.spans) {
    const QRectF bar = part_of(span, window, place);
    if (bar.width() <= 0) continue;
    const bool pair = span.upper != span.lower;
    for (int half = 0; half < (pair ? 2 : 1); ++half) {
      const double height = pair ? bar.height() / 2 : bar.height();
      const QRectF part(bar.left(), bar.top() + half * height, bar.width(), height);
      const Look& look = palette.looks[half == 1 ? span.lower : span.upper];
      paint_bar(painter, look, part);
      if (picture.label)
        paint_label(painter, look, part, picture.label(picture, lane, span, half == 1), lane.role == LaneRole::kPasses);
    }
    if (bar.width() < 3) continue;
    painter.setPen(QPen(QColor(palette.looks[span.upper].ink), 0.8));
    painter.drawLine(QLineF(bar.right(), bar.top(), bar.right(), bar.bottom()));
  }
}

void paint_vector_memory(QPainter& painter, const MemoryCurve& curve, const TimeWindow& window, const Theme& theme,
                         const QRectF& place) {
  const auto level = [&](int64_t held) {
    return place.bottom() - static_cast<double>(held) / static_cast<double>(curve.top()) * place.height();
  };
  QPolygonF outline;
  const std::vector<MemoryRange> columns = memory_columns(curve, window);
  const auto shown = std::min(columns.size(), static_cast<size_t>(place.width()));
  for (size_t x = 0; x < shown; ++x) {
    const double y = level(curve.resident + columns[x].most);
    const double left = place.left() + static_cast<double>(x);
    if (!outline.isEmpty() && outline.back().y() == y) {
      outline.back().setX(left + 1);
      continue;
    }
    outline << QPointF(left, y) << QPointF(left + 1, y);
  }
  QPolygonF area = outline;
  area << QPointF(place.right(), place.bottom()) << QPointF(place.left(), place.bottom());
  painter.setPen(Qt::NoPen);
  painter.setBrush(theme.memory_fill);
  painter.drawPolygon(area);
  const double resident = level(curve.resident);
  painter.fillRect(QRectF(place.left(), resident, place.width(), place.bottom() - resident), theme.resident_fill);
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(theme.memory, 1));
  painter.drawPolyline(outline);
  if (curve.capacity == 0) return;
  painter.setPen(QPen(theme.critical, 1, Qt::DashLine));
  painter.drawLine(QLineF(place.left(), level(curve.capacity), place.right(), level(curve.capacity)));
}

void paint_swatch(QPainter& painter, const Look& look, const QRectF& place) {
  paint_bar(painter, look, place);
}

}  // namespace pipeloom::gui
