#include "gui/panels/timeline_view.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

namespace pipeloom::gui {

namespace {

constexpr int kDragFrom = 4;            // pixels: less is a click
constexpr size_t kViewsKept = 50;       // for the way back
constexpr double kSelectedShare = 0.3;  // of the view that a focused span takes

}  // namespace

TimelineView::TimelineView(QWidget* parent) : QAbstractScrollArea(parent) {
  setObjectName("timeline");
  setAccessibleName("Timeline");
  setAccessibleDescription("Ranks over time. The tables below say the same in words.");
  setFocusPolicy(Qt::StrongFocus);
  setFrameShape(QFrame::NoFrame);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  viewport()->setMouseTracking(true);
  viewport()->setAttribute(Qt::WA_OpaquePaintEvent);
  frame_.theme = &light_theme();
}

void TimelineView::set_documents(std::vector<DocumentPointer> documents) {
  const int64_t old_length_ns = frame_.pictures.empty() ? 0 : frame_.length_ns();
  const bool showed_all = frame_.window.length_ns() >= static_cast<double>(old_length_ns);
  documents_ = std::move(documents);
  frame_.pictures.clear();
  for (const DocumentPointer& document : documents_) frame_.pictures.push_back(document->picture.get());
  frame_.measured_ns.reset();
  frame_.hovered.reset();
  frame_.hits_ns.clear();
  frame_.arrows.clear();
  frame_.selected.reset();
  selection_.reset();
  row_options_.titles = documents_.size() > 1;
  lay_out();
  if (old_length_ns == 0 || showed_all) {
    last_windows_.clear();
    const auto length_ns = static_cast<double>(frame_.length_ns());
    set_window({0, length_ns, frame_.window.width});
  } else {
    set_window(frame_.window);
  }
  Q_EMIT selection_changed();
}

void TimelineView::set_theme(const Theme& theme) {
  frame_.theme = &theme;
  viewport()->update();
}

void TimelineView::set_row_options(const RowOptions& options) {
  row_options_ = options;
  row_options_.titles = documents_.size() > 1;
  lay_out();
}

void TimelineView::set_normalised(bool normalised) {
  frame_.normalised = normalised;
  viewport()->update();
}

void TimelineView::set_hits(std::vector<int64_t> hits_ns) {
  frame_.hits_ns = std::move(hits_ns);
  viewport()->update();
}

void TimelineView::set_marks(std::vector<Mark> marks) {
  frame_.marks = std::move(marks);
  viewport()->update();
}

void TimelineView::lay_out() {
  frame_.width = viewport()->width();
  frame_.height = viewport()->height();
  frame_.window.width = std::max(frame_.width - Frame::kNamesWidth, 1);
  const int room = std::max(frame_.height - Frame::kRulerHeight, 1);
  frame_.rows = layout_rows(frame_.pictures, row_options_, room);
  verticalScrollBar()->setRange(0, std::max(frame_.rows.height - room, 0));
  verticalScrollBar()->setPageStep(room);
  verticalScrollBar()->setSingleStep(24);
  frame_.scroll_y = verticalScrollBar()->value();
  viewport()->update();
}

void TimelineView::set_window(TimeWindow window) {
  window.width = frame_.window.width;
  frame_.window = frame_.pictures.empty() ? window : window.kept_within(static_cast<double>(frame_.length_ns()));
  viewport()->update();
  Q_EMIT window_changed();
}

void TimelineView::show_window(TimeWindow window) {
  const TimeWindow before = frame_.window;
  set_window(window);
  if (before == frame_.window) return;
  last_windows_.push_back(before);
  if (last_windows_.size() > kViewsKept) last_windows_.erase(last_windows_.begin());
}

void TimelineView::zoom(double factor) {
  const double pointer_x = pointer_.x() - Frame::kNamesWidth;
  const double x = pointer_x >= 0 && pointer_x < frame_.window.width ? pointer_x : frame_.window.width / 2;
  show_window(frame_.window.zoomed(factor, x));
}

void TimelineView::pan(double share) {
  show_window(frame_.window.moved(share * frame_.window.length_ns()));
}

void TimelineView::fit() {
  if (!frame_.pictures.empty()) show_window({0, static_cast<double>(frame_.length_ns()), frame_.window.width});
}

void TimelineView::zoom_back() {
  if (last_windows_.empty()) return;
  set_window(last_windows_.back());
  last_windows_.pop_back();
}

void TimelineView::focus_selection() {
  double begin_ns = 0;
  double end_ns = 0;
  if (frame_.measured_ns) {
    begin_ns = static_cast<double>(std::min(frame_.measured_ns->first, frame_.measured_ns->second));
    end_ns = static_cast<double>(std::max(frame_.measured_ns->first, frame_.measured_ns->second));
    frame_.measured_ns.reset();
  } else if (selection_) {
    const double length = static_cast<double>(selection_->span.end_ns - selection_->span.begin_ns);
    const double margin = std::max(length, 1.0) * (1 / kSelectedShare - 1) / 2;
    begin_ns = static_cast<double>(selection_->span.begin_ns) - margin;
    end_ns = static_cast<double>(selection_->span.end_ns) + margin;
  } else {
    return;
  }
  show_window({begin_ns, end_ns, frame_.window.width});
}

int64_t TimelineView::time_at_pointer() const {
  const double x = pointer_.x() - Frame::kNamesWidth;
  const bool inside = x >= 0 && x < frame_.window.width;
  return std::llround(frame_.window.time_at(inside ? x : frame_.window.width / 2));
}

void TimelineView::select(std::optional<Selection> selection, bool bring) {
  selection_ = std::move(selection);
  frame_.selected.reset();
  frame_.arrows.clear();
  if (selection_) {
    if (selection_->kind != Selection::Kind::kMemory) frame_.selected = selection_->stretch();
    frame_.arrows = arrows_of(document_of(*selection_), *selection_);
    if (bring) bring_into_view(*selection_);
  }
  viewport()->update();
  Q_EMIT selection_changed();
}

void TimelineView::bring_into_view(const Selection& selection) {
  if (const RankBand* band = frame_.rows.band_of(selection.picture, selection.rank)) {
    const int room = frame_.height - Frame::kRulerHeight;
    if (band->y < frame_.scroll_y) verticalScrollBar()->setValue(band->y);
    if (band->y + band->height > frame_.scroll_y + room) verticalScrollBar()->setValue(band->y + band->height - room);
  }
  const TimeWindow window = frame_.window_of(selection.picture);
  const auto begin = static_cast<double>(selection.span.begin_ns);
  const auto end = static_cast<double>(selection.span.end_ns);
  if (begin >= window.begin_ns && end <= window.end_ns) return;
  const double scale = frame_.window.length_ns() / window.length_ns();
  const double middle = (begin + end) / 2 * scale;
  const double half = std::max(frame_.window.length_ns(), (end - begin) * scale * 1.2) / 2;
  show_window({middle - half, middle + half, frame_.window.width});
}

void TimelineView::select_next(int step) {
  if (!selection_ || selection_->kind == Selection::Kind::kMemory) {
    if (!frame_.pictures.empty() && !frame_.pictures[0]->ranks.empty()) {
      const PictureLane& lane = frame_.pictures[0]->ranks[0].lanes.front();
      select(Selection{0, 0, lane.role, Selection::Kind::kSpan, lane.spans.front()}, true);
    }
    return;
  }
  // Bars and bubbles of the lane in one order.
  const PictureLane* lane = frame_.pictures[selection_->picture]->ranks[selection_->rank].lane(selection_->role);
  const LaneSpan* next = nullptr;
  bool idle = false;
  for (const auto* spans : {&lane->spans, &lane->idle}) {
    for (const LaneSpan& span : *spans) {
      const bool beyond =
          step > 0 ? span.begin_ns > selection_->span.begin_ns : span.begin_ns < selection_->span.begin_ns;
      if (!beyond) continue;
      const bool nearer =
          next == nullptr || (step > 0 ? span.begin_ns < next->begin_ns : span.begin_ns > next->begin_ns);
      if (!nearer) continue;
      next = &span;
      idle = spans == &lane->idle;
    }
  }
  if (next == nullptr) return;
  Selection selection = *selection_;
  selection.span = *next;
  selection.kind = idle ? Selection::Kind::kIdle : Selection::Kind::kSpan;
  select(selection, true);
}

void TimelineView::select_lane(int step) {
  if (!selection_) return select_next(1);
  const auto& rows = frame_.rows.rows;
  const auto is_current = [&](const Row& row) {
    if (row.picture != selection_->picture || row.rank != selection_->rank) return false;
    if (row.is_memory()) return selection_->kind == Selection::Kind::kMemory;
    return selection_->kind != Selection::Kind::kMemory &&
           frame_.pictures[row.picture]->ranks[row.rank].lanes[row.lane].role == selection_->role;
  };
  const auto current = std::find_if(rows.begin(), rows.end(), is_current);
  if (current == rows.end()) return;
  const int64_t middle_ns = (selection_->span.begin_ns + selection_->span.end_ns) / 2;
  for (auto row = current - rows.begin() + step; row >= 0 && row < static_cast<ptrdiff_t>(rows.size()); row += step) {
    const Row& target = rows[row];
    const RankPicture& rank = frame_.pictures[target.picture]->ranks[target.rank];
    if (target.is_memory()) {
      return select(Selection{target.picture,
                              target.rank,
                              LaneRole::kPasses,
                              Selection::Kind::kMemory,
                              {middle_ns, middle_ns, 0, 0, 0}},
                    true);
    }
    const PictureLane& lane = rank.lanes[target.lane];
    if (const LaneSpan* idle = lane.idle_at(middle_ns)) {
      return select(Selection{target.picture, target.rank, lane.role, Selection::Kind::kIdle, *idle}, true);
    }
    if (const LaneSpan* span = lane.span_at(middle_ns, INT64_MAX / 4)) {
      return select(Selection{target.picture, target.rank, lane.role, Selection::Kind::kSpan, *span}, true);
    }
  }
}

std::optional<Selection> TimelineView::at(const QPoint& point) const {
  if (point.x() < Frame::kNamesWidth || point.y() < Frame::kRulerHeight) return std::nullopt;
  const Row* row = frame_.rows.row_at(point.y() - Frame::kRulerHeight + frame_.scroll_y);
  if (row == nullptr) return std::nullopt;
  const TimeWindow window = frame_.window_of(row->picture);
  const auto time_ns = static_cast<int64_t>(window.time_at(point.x() - Frame::kNamesWidth + 0.5));
  const RankPicture& rank = frame_.pictures[row->picture]->ranks[row->rank];
  if (row->is_memory()) {
    // Near the peak the peak is meant.
    const double peak_x = window.x_of(static_cast<double>(rank.memory->peak_ns)) + Frame::kNamesWidth;
    const int64_t moment_ns = std::abs(peak_x - point.x()) < 6 ? rank.memory->peak_ns : time_ns;
    return Selection{
        row->picture, row->rank, LaneRole::kPasses, Selection::Kind::kMemory, {moment_ns, moment_ns, 0, 0, 0}};
  }
  const PictureLane& lane = rank.lanes[row->lane];
  const auto slack_ns = static_cast<int64_t>(window.ns_per_pixel());
  if (const LaneSpan* span = lane.span_at(time_ns)) {
    return Selection{row->picture, row->rank, lane.role, Selection::Kind::kSpan, *span};
  }
  if (const LaneSpan* idle = lane.idle_at(time_ns)) {
    return Selection{row->picture, row->rank, lane.role, Selection::Kind::kIdle, *idle};
  }
  if (const LaneSpan* span = lane.span_at(time_ns, slack_ns)) {
    return Selection{row->picture, row->rank, lane.role, Selection::Kind::kSpan, *span};
  }
  return std::nullopt;
}

void TimelineView::paintEvent(QPaintEvent*) {
  QPainter painter(viewport());
  painter_.paint(painter, frame_);
}

void TimelineView::resizeEvent(QResizeEvent*) {
  lay_out();
  set_window(frame_.window);
}

void TimelineView::scrollContentsBy(int, int) {
  frame_.scroll_y = verticalScrollBar()->value();
  viewport()->update();
}

void TimelineView::mousePressEvent(QMouseEvent* event) {
  pressed_at_ = event->pos();
  pressed_window_ = frame_.window;
  drag_ =
      event->button() == Qt::MiddleButton || (event->modifiers() & Qt::ShiftModifier) != 0 ? Drag::kPan : Drag::kPress;
}

void TimelineView::mouseMoveEvent(QMouseEvent* event) {
  pointer_ = event->pos();
  const int moved = event->pos().x() - pressed_at_.x();
  if (drag_ == Drag::kPress && std::abs(moved) >= kDragFrom && pressed_at_.x() >= Frame::kNamesWidth) {
    drag_ = Drag::kMeasure;
  }
  if (drag_ == Drag::kPan) {
    set_window(pressed_window_.moved(-moved * pressed_window_.ns_per_pixel()));
  } else if (drag_ == Drag::kMeasure) {
    const auto time_at = [&](int x) {
      return std::llround(frame_.window.time_at(std::clamp<double>(x - Frame::kNamesWidth, 0, frame_.window.width)));
    };
    frame_.measured_ns = {time_at(pressed_at_.x()), time_at(event->pos().x())};
    viewport()->update();
    Q_EMIT measured();
  } else {
    update_hover(event->pos());
  }
}

void TimelineView::mouseReleaseEvent(QMouseEvent* event) {
  const Drag drag = std::exchange(drag_, Drag::kNone);
  if (drag != Drag::kPress) return;
  if (frame_.measured_ns) {
    frame_.measured_ns.reset();
    viewport()->update();
  }
  select(at(event->pos()), false);
}

void TimelineView::mouseDoubleClickEvent(QMouseEvent* event) {
  select(at(event->pos()), false);
  focus_selection();
}

void TimelineView::wheelEvent(QWheelEvent* event) {
  pointer_ = event->position().toPoint();
  const QPoint turned = event->angleDelta();
  const double notches = (turned.y() != 0 ? turned.y() : turned.x()) / 120.0;
  if ((event->modifiers() & Qt::ControlModifier) != 0) {
    zoom(std::pow(0.8, notches));
  } else if ((event->modifiers() & Qt::ShiftModifier) != 0 || turned.y() == 0) {
    set_window(frame_.window.moved(-notches * 0.1 * frame_.window.length_ns()));
  } else {
    verticalScrollBar()->setValue(verticalScrollBar()->value() - static_cast<int>(notches * 60));
  }
  event->accept();
}

void TimelineView::update_hover(const QPoint& point) {
  const auto below = at(point);
  const bool bar = below && below->kind != Selection::Kind::kMemory;
  const auto hovered = bar ? std::optional(below->stretch()) : std::nullopt;
  if (hovered != frame_.hovered) {
    frame_.hovered = hovered;
    viewport()->update();
  }
  if (frame_.pictures.empty()) return;
  QString text = QString::fromStdString(frame_.pictures[0]->time_text(time_at_pointer()));
  if (below) {
    const Description description = describe(document_of(*below), *below);
    text += "   " + description.headline;
    if (!description.facts.empty()) text += "   " + description.facts.front().second;
  }
  Q_EMIT this->hovered(text);
}

bool TimelineView::viewportEvent(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    auto* help = static_cast<QHelpEvent*>(event);
    const auto below = at(help->pos());
    if (below) {
      QToolTip::showText(help->globalPos(), describe(document_of(*below), *below).plain_text(), viewport());
    } else {
      QToolTip::hideText();
    }
    return true;
  }
  if (event->type() == QEvent::Leave) {
    pointer_ = {-1, -1};
    frame_.hovered.reset();
    viewport()->update();
  }
  return QAbstractScrollArea::viewportEvent(event);
}

}  // namespace pipeloom::gui
