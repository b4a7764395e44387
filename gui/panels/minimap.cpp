#include "gui/panels/minimap.h"

#include <QMouseEvent>
#include <QPainter>
#include <algorithm>

namespace pipeloom::gui {

namespace {

constexpr double kGrip = 6;  // pixels to both sides of an edge

constexpr size_t kSpansPerColumn =
    4;  // up to so many are added one by one: the table's buckets may be wider than columns

// Busy time of a lane in each of as many equal parts as there are sums, as shares, added to them.
void add_spans(const std::vector<LaneSpan>& spans, double length_ns, std::vector<float>& sums) {
  const double columns = static_cast<double>(sums.size());
  const auto last = static_cast<int>(sums.size()) - 1;
  for (const LaneSpan& span : spans) {
    const double x0 = static_cast<double>(span.begin_ns) / length_ns * columns;
    const double x1 = static_cast<double>(span.end_ns) / length_ns * columns;
    for (int column = std::min(static_cast<int>(x0), last); column <= std::min(static_cast<int>(x1), last); ++column) {
      sums[column] += static_cast<float>(std::max(0.0, std::min(x1, column + 1.0) - std::max<double>(x0, column)));
    }
  }
}

// O(parts), whatever the lane holds.
void add_busy(const PictureLane& lane, double length_ns, std::vector<float>& sums) {
  if (lane.spans.size() <= kSpansPerColumn * sums.size()) return add_spans(lane.spans, length_ns, sums);
  const ShareTable& shares = lane.shares;
  const double column_ns = length_ns / static_cast<double>(sums.size());
  double before_ns = 0;
  for (size_t column = 0; column < sums.size(); ++column) {
    const double until_ns = shares.busy_before(column_ns * static_cast<double>(column + 1));
    sums[column] += static_cast<float>((until_ns - before_ns) / column_ns);
    before_ns = until_ns;
  }
}

}  // namespace

Minimap::Minimap(TimelineView& view, QWidget* parent) : QWidget(parent), view_(view) {
  setObjectName("minimap");
  setAccessibleName("Minimap");
  setToolTip("the share of the ranks that idle, over the whole step");
  setMinimumHeight(44);
  setMaximumHeight(44);
  setMouseTracking(true);
  connect(&view, &TimelineView::window_changed, this, qOverload<>(&QWidget::update));
}

void Minimap::refresh() {
  idle_.assign(static_cast<size_t>(std::max(width() - Frame::kNamesWidth, 1)), 0);
  const Frame& frame = view_.frame();
  if (frame.pictures.empty()) return;
  const Picture& picture = *frame.pictures.front();
  for (const RankPicture& rank : picture.ranks) {
    if (!rank.lanes.empty()) add_busy(rank.lanes.front(), static_cast<double>(frame.length_ns()), idle_);
  }
  const auto ranks = static_cast<float>(std::max<size_t>(picture.ranks.size(), 1));
  for (float& value : idle_) value = std::clamp(1 - value / ranks, 0.f, 1.f);
  update();
}

double Minimap::x_of(double time_ns) const {
  return Frame::kNamesWidth + time_ns / static_cast<double>(view_.frame().length_ns()) * (width() - Frame::kNamesWidth);
}

double Minimap::time_at(double x) const {
  return (x - Frame::kNamesWidth) / std::max(width() - Frame::kNamesWidth, 1) *
         static_cast<double>(view_.frame().length_ns());
}

void Minimap::paintEvent(QPaintEvent*) {
  const Frame& frame = view_.frame();
  const Theme& theme = *frame.theme;
  QPainter painter(this);
  painter.fillRect(rect(), theme.raised);
  painter.setPen(theme.border);
  painter.drawLine(0, 0, width(), 0);
  if (frame.pictures.empty()) return;
  QFont font = painter.font();
  font.setPixelSize(11);
  painter.setFont(font);
  painter.setPen(theme.muted);
  painter.drawText(QRect(10, 0, Frame::kNamesWidth - 18, height()), Qt::AlignVCenter | Qt::AlignLeft, "idle ranks");
  const QRect lanes(Frame::kNamesWidth, 4, width() - Frame::kNamesWidth, height() - 8);
  painter.fillRect(lanes, theme.base);
  for (size_t column = 0; column < idle_.size(); ++column) {
    const int tall = static_cast<int>(idle_[column] * static_cast<float>(lanes.height()) + 0.5f);
    painter.fillRect(QRect(lanes.left() + static_cast<int>(column), lanes.bottom() + 1 - tall, 1, tall), theme.memory);
  }
  painter.setPen(QPen(theme.accent, 1));
  for (const int64_t hit : frame.hits_ns) {
    const double x = x_of(static_cast<double>(hit));
    painter.drawLine(QPointF(x, lanes.top()), QPointF(x, lanes.top() + 5));
  }
  const double begin = x_of(frame.window.begin_ns);
  const double end = x_of(frame.window.end_ns);
  QColor shade = theme.window;
  shade.setAlpha(170);
  painter.fillRect(QRectF(lanes.left(), lanes.top(), begin - lanes.left(), lanes.height()), shade);
  painter.fillRect(QRectF(end, lanes.top(), lanes.right() + 1 - end, lanes.height()), shade);
  painter.setPen(QPen(theme.accent, 1.5));
  painter.setBrush(Qt::NoBrush);
  painter.drawRect(QRectF(begin + 0.5, lanes.top() + 0.5, std::max(end - begin - 1.5, 1.0), lanes.height() - 1));
}

void Minimap::resizeEvent(QResizeEvent*) {
  refresh();
}

Minimap::Drag Minimap::grip_at(double x) const {
  const double begin = x_of(view_.frame().window.begin_ns);
  const double end = x_of(view_.frame().window.end_ns);
  if (std::abs(x - begin) <= kGrip) return Drag::kBegin;
  if (std::abs(x - end) <= kGrip) return Drag::kEnd;
  return Drag::kWindow;
}

void Minimap::mousePressEvent(QMouseEvent* event) {
  if (view_.frame().pictures.empty()) return;
  const double x = event->position().x();
  drag_ = grip_at(x);
  TimeWindow window = view_.frame().window;
  const double time_ns = time_at(x);
  if (drag_ == Drag::kWindow && (time_ns < window.begin_ns || time_ns > window.end_ns)) {
    view_.show_window(window.moved(time_ns - (window.begin_ns + window.end_ns) / 2));
  }
  pressed_ns_ = time_ns;
  pressed_window_ = view_.frame().window;
}

void Minimap::mouseMoveEvent(QMouseEvent* event) {
  if (view_.frame().pictures.empty()) return;
  const double x = event->position().x();
  if (drag_ == Drag::kNone) {
    setCursor(grip_at(x) == Drag::kWindow ? Qt::ArrowCursor : Qt::SizeHorCursor);
    return;
  }
  TimeWindow window = pressed_window_;
  const double least = static_cast<double>(view_.frame().length_ns()) / 1e6;
  if (drag_ == Drag::kWindow) {
    window = window.moved(time_at(x) - pressed_ns_);
  } else if (drag_ == Drag::kBegin) {
    window.begin_ns = std::min(time_at(x), window.end_ns - least);
  } else {
    window.end_ns = std::max(time_at(x), window.begin_ns + least);
  }
  view_.show_window(window);
}

void Minimap::mouseReleaseEvent(QMouseEvent*) {
  drag_ = Drag::kNone;
}

}  // namespace pipeloom::gui
