#include "gui/timeline/overlay.h"

#include <QFontMetrics>
#include <QPainterPath>
#include <algorithm>

#include "gui/timeline/rank_differences.h"
#include "gui/timeline/ruler.h"

namespace pipeloom::gui {

namespace {

constexpr double kMarksApart = 110;

QFont font_of(const QPainter& painter, int pixel_size, bool bold = false) {
  QFont font = painter.font();
  font.setPixelSize(pixel_size);
  font.setBold(bold);
  return font;
}

QString percent(double share) {
  return QString::number(share * 100, 'f', share < 0.0995 ? 1 : 0) + " %";
}

double x_in(const Frame& frame, int64_t time_ns) {
  return Frame::kNamesWidth + frame.window.x_of(static_cast<double>(time_ns));
}

bool in_lanes(const Frame& frame, double x) {
  return x >= Frame::kNamesWidth && x <= Frame::kNamesWidth + frame.window.width;
}

}  // namespace

void paint_grid(QPainter& painter, const Frame& frame) {
  painter.setPen(QPen(frame.theme->border, 1));
  for (const int64_t mark : ruler_of(frame.window, kMarksApart).marks_ns) {
    const double x = std::floor(x_in(frame, mark)) + 0.5;
    if (in_lanes(frame, x)) painter.drawLine(QPointF(x, Frame::kRulerHeight), QPointF(x, frame.height));
  }
}

void paint_ruler(QPainter& painter, const Frame& frame) {
  const QRectF place(0, 0, frame.width, Frame::kRulerHeight);
  painter.fillRect(place, frame.theme->raised);
  painter.setPen(frame.theme->border);
  painter.drawLine(QPointF(0, place.bottom() - 0.5), QPointF(frame.width, place.bottom() - 0.5));
  if (frame.pictures.empty()) return;
  painter.setFont(font_of(painter, 11));
  const QFontMetrics metrics(painter.font());
  const double right_end = Frame::kNamesWidth + frame.window.width;
  const Ruler ruler = ruler_of(frame.window, kMarksApart);
  for (const int64_t mark : ruler.marks_ns) {
    const double x = x_in(frame, mark);
    if (!in_lanes(frame, x)) continue;
    const QString text = QString::fromStdString(ruler_text(mark, ruler.step_ns, frame.pictures.front()->plain_units));
    painter.setPen(frame.theme->border);
    painter.drawLine(QPointF(x, place.bottom() - 6), QPointF(x, place.bottom()));
    if (x + 4 + metrics.horizontalAdvance(text) > right_end) continue;
    painter.setPen(frame.theme->muted);
    painter.drawText(QPointF(x + 4, place.bottom() - 8), text);
  }
  painter.setPen(QPen(frame.theme->accent, 2));
  for (const int64_t hit : frame.hits_ns) {
    const double x = x_in(frame, hit);
    if (in_lanes(frame, x)) painter.drawLine(QPointF(x, place.bottom() - 5), QPointF(x, place.bottom()));
  }
  painter.setRenderHint(QPainter::Antialiasing);
  for (const Mark& mark : frame.marks) {
    const double x = x_in(frame, mark.time_ns);
    if (!in_lanes(frame, x)) continue;
    painter.setPen(Qt::NoPen);
    painter.setBrush(frame.theme->accent);
    painter.drawPolygon(QPolygonF({QPointF(x - 5, 2), QPointF(x + 5, 2), QPointF(x, 11)}));
    if (mark.text.isEmpty()) continue;
    const int width = metrics.horizontalAdvance(mark.text) + 8;
    painter.drawRoundedRect(QRectF(x + 3, 2, width, 15), 3, 3);
    painter.setPen(frame.theme->accent_text);
    painter.drawText(QRectF(x + 7, 2, width, 15), Qt::AlignVCenter | Qt::AlignLeft, mark.text);
  }
  painter.setRenderHint(QPainter::Antialiasing, false);
}

void paint_names(QPainter& painter, const Frame& frame) {
  const Theme& theme = *frame.theme;
  painter.fillRect(0, Frame::kRulerHeight, Frame::kNamesWidth - 1, frame.height, theme.raised);
  painter.setPen(theme.border);
  painter.drawLine(QPointF(Frame::kNamesWidth - 0.5, Frame::kRulerHeight),
                   QPointF(Frame::kNamesWidth - 0.5, frame.height));
  const QFont name_font = font_of(painter, 12, true);
  const QFont fact_font = font_of(painter, 11);
  for (const RankBand& band : frame.rows.ranks) {
    const int y = Frame::kRulerHeight + band.y - frame.scroll_y;
    if (y + band.height < Frame::kRulerHeight || y > frame.height) continue;
    const RankPicture& rank = frame.pictures[band.picture]->ranks[band.rank];
    const int line = std::min(band.height, 16);
    painter.setFont(name_font);
    painter.setPen(theme.text);
    painter.drawText(QRect(10, y, 60, line), Qt::AlignVCenter | Qt::AlignLeft, QString("rank %1").arg(band.rank));
    painter.setFont(fact_font);
    painter.setPen(theme.muted);
    painter.drawText(QRect(62, y, Frame::kNamesWidth - 70, line), Qt::AlignVCenter | Qt::AlignRight,
                     percent(rank.idle_share) + " idle");
    if (rank.hidden_share < 0 || band.height < 31) continue;
    painter.drawText(QRect(10, y + 15, Frame::kNamesWidth - 18, 14), Qt::AlignVCenter | Qt::AlignRight,
                     percent(rank.hidden_share) + " hidden");
  }
  for (const TitleBand& title : frame.rows.titles) {
    const int y = Frame::kRulerHeight + title.y - frame.scroll_y;
    if (y + title.height < Frame::kRulerHeight || y > frame.height) continue;
    const QRect place(0, y + 3, frame.width, title.height - 6);
    painter.fillRect(place, theme.raised);
    painter.setFont(name_font);
    painter.setPen(theme.text);
    const Picture& picture = *frame.pictures[title.picture];
    const QString name = QString::fromStdString(picture.title);
    painter.drawText(place.adjusted(10, 0, -10, 0), Qt::AlignVCenter | Qt::AlignLeft, name);
    const int name_width = QFontMetrics(name_font).horizontalAdvance(name);
    painter.setFont(fact_font);
    painter.setPen(theme.muted);
    const QString detail = QString::fromStdString(picture.detail);
    const QRect rest = place.adjusted(26 + name_width, 0, -12, 0);
    painter.drawText(rest, Qt::AlignVCenter | Qt::AlignLeft, detail);
    if (title.picture == 0) continue;
    const int detail_width = QFontMetrics(fact_font).horizontalAdvance(detail);
    const Picture& base = *frame.pictures.front();
    paint_idle_differences(painter, rest.adjusted(detail_width + 24, 0, 0, 0), base, idle_differences(base, picture),
                           theme);
  }
}

namespace {

void paint_arrow(QPainter& painter, const Frame& frame, const Arrow& arrow) {
  const QRectF from = frame.rectangle_of(arrow.from);
  const QRectF to = frame.rectangle_of(arrow.to);
  if (from.isNull() || to.isNull()) return;
  const QPointF begin(from.right(), from.center().y());
  const QPointF end(to.left(), to.center().y());
  const double bend = std::clamp(std::abs(end.x() - begin.x()) / 2, 12.0, 60.0);
  QPainterPath path(begin);
  path.cubicTo(begin + QPointF(bend, 0), end - QPointF(bend, 0), end);
  // A light line below a dark one shows on every colour.
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(frame.theme->base, 4));
  painter.drawPath(path);
  painter.setPen(QPen(frame.theme->accent, 2));
  painter.drawPath(path);
  painter.setBrush(frame.theme->accent);
  painter.setPen(QPen(frame.theme->base, 1));
  painter.drawPolygon(QPolygonF({end, end + QPointF(-7, -4), end + QPointF(-7, 4)}));
}

void paint_measured(QPainter& painter, const Frame& frame, const std::pair<int64_t, int64_t>& range) {
  const double x0 = x_in(frame, std::min(range.first, range.second));
  const double x1 = x_in(frame, std::max(range.first, range.second));
  QColor shade = frame.theme->accent;
  shade.setAlpha(40);
  painter.fillRect(QRectF(x0, Frame::kRulerHeight, x1 - x0, frame.height), shade);
  painter.setPen(QPen(frame.theme->accent, 1));
  painter.drawLine(QPointF(x0, Frame::kRulerHeight), QPointF(x0, frame.height));
  painter.drawLine(QPointF(x1, Frame::kRulerHeight), QPointF(x1, frame.height));
  const QString text = QString::fromStdString(frame.pictures.front()->time_text(std::abs(range.second - range.first)));
  painter.setFont(font_of(painter, 12, true));
  const int width = QFontMetrics(painter.font()).horizontalAdvance(text) + 14;
  const QRectF plate((x0 + x1 - width) / 2, Frame::kRulerHeight + 6, width, 20);
  painter.setPen(Qt::NoPen);
  painter.setBrush(frame.theme->accent);
  painter.drawRoundedRect(plate, 4, 4);
  painter.setPen(frame.theme->accent_text);
  painter.drawText(plate, Qt::AlignCenter, text);
}

}  // namespace

void paint_marked(QPainter& painter, const Frame& frame) {
  painter.save();
  painter.setClipRect(QRect(Frame::kNamesWidth, Frame::kRulerHeight, static_cast<int>(frame.window.width),
                            frame.height - Frame::kRulerHeight),
                      Qt::IntersectClip);
  painter.setPen(QPen(frame.theme->accent, 1, Qt::DashLine));
  for (const Mark& mark : frame.marks) {
    const double x = x_in(frame, mark.time_ns);
    painter.drawLine(QPointF(x, Frame::kRulerHeight), QPointF(x, frame.height));
  }
  painter.setRenderHint(QPainter::Antialiasing);
  if (frame.hovered) {
    const QRectF place = frame.rectangle_of(*frame.hovered);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(frame.theme->text, 1));
    painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5));
  }
  for (const Arrow& arrow : frame.arrows) paint_arrow(painter, frame, arrow);
  if (frame.selected) {
    const QRectF place = frame.rectangle_of(*frame.selected);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(frame.theme->base, 4));
    painter.drawRect(place.adjusted(0, 0, 0, 0));
    painter.setPen(QPen(frame.theme->accent, 2));
    painter.drawRect(place.adjusted(0, 0, 0, 0));
  }
  if (frame.measured_ns) paint_measured(painter, frame, *frame.measured_ns);
  painter.restore();
}

}  // namespace pipeloom::gui
