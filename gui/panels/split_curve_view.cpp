#include "gui/panels/split_curve_view.h"

#include <QPainter>
#include <QPolygonF>
#include <algorithm>

#include "core/base/units.h"

namespace pipeloom::gui {

SplitCurveView::SplitCurveView(QWidget* parent) : QWidget(parent) {
  setObjectName("split_curve");
  setAccessibleName("Time per step against the SMs of communication");
  setMinimumHeight(110);
  setMaximumHeight(130);
}

void SplitCurveView::set_theme(const Theme& theme) {
  theme_ = &theme;
  update();
}

void SplitCurveView::set_points(std::vector<planner::SplitPoint> points) {
  points_ = std::move(points);
  update();
}

void SplitCurveView::set_current(int comm_sms) {
  current_ = comm_sms;
  update();
}

void SplitCurveView::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.fillRect(rect(), theme_->base);
  if (points_.size() < 2) return;
  QFont font = painter.font();
  font.setPixelSize(11);
  painter.setFont(font);
  const auto by_time = [](const planner::SplitPoint& a, const planner::SplitPoint& b) { return a.step_ns < b.step_ns; };
  const auto best = std::min_element(points_.begin(), points_.end(), by_time);
  const auto worst = std::max_element(points_.begin(), points_.end(), by_time);
  const QRectF plot(10, 24, width() - 20, height() - 44);
  const int first = points_.front().comm_sms;
  const int last = points_.back().comm_sms;
  const auto x_of = [&](int sms) { return plot.left() + (sms - first) * plot.width() / std::max(last - first, 1); };
  const double range = static_cast<double>(std::max<int64_t>(worst->step_ns - best->step_ns, 1));
  const auto y_of = [&](int64_t ns) {
    return plot.bottom() - static_cast<double>(ns - best->step_ns) / range * plot.height();
  };
  painter.setPen(theme_->border);
  painter.drawLine(QPointF(plot.left(), plot.bottom() + 4), QPointF(plot.right(), plot.bottom() + 4));
  painter.setRenderHint(QPainter::Antialiasing);
  QPolygonF line;
  for (const planner::SplitPoint& point : points_) line << QPointF(x_of(point.comm_sms), y_of(point.step_ns));
  painter.setPen(QPen(theme_->memory, 2));
  painter.drawPolyline(line);
  painter.setPen(Qt::NoPen);
  painter.setBrush(theme_->good);
  painter.drawEllipse(QPointF(x_of(best->comm_sms), y_of(best->step_ns)), 4.5, 4.5);
  if (current_ >= first && current_ <= last) {
    painter.setPen(QPen(theme_->accent, 1.5, Qt::DashLine));
    painter.drawLine(QPointF(x_of(current_), plot.top()), QPointF(x_of(current_), plot.bottom() + 4));
  }
  painter.setPen(theme_->muted);
  const QRectF head(plot.left(), 2, plot.width(), 18);
  painter.drawText(
      head, Qt::AlignLeft | Qt::AlignVCenter,
      QString("best: %1 SMs, %2").arg(best->comm_sms).arg(QString::fromStdString(format_duration(best->step_ns))));
  painter.drawText(QRectF(plot.left(), plot.bottom() + 4, plot.width(), 16), Qt::AlignLeft | Qt::AlignVCenter,
                   QString("%1 SMs").arg(first));
  painter.drawText(QRectF(plot.left(), plot.bottom() + 4, plot.width(), 16), Qt::AlignRight | Qt::AlignVCenter,
                   QString("%1 SMs").arg(last));
}

}  // namespace pipeloom::gui
