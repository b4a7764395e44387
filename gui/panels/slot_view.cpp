#include "gui/panels/slot_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "gui/timeline/plan_picture.h"
#include "gui/timeline/slot_layout.h"
#include "gui/timeline/vector_lane.h"

namespace pipeloom::gui {

namespace {

constexpr int kMargin = 12;
constexpr int kLaneTop = 40;
constexpr int kLaneHeight = 34;
constexpr int kLaneGap = 18;

uint8_t look_of_step(const ComponentCost& cost, SlotKind pass) {
  if (cost.component == Component::kDispatch) return kLookDispatch;
  if (cost.component == Component::kCombine) return kLookCombine;
  if (cost.component == Component::kWait) return kLookWait;
  return look_of(pass, 0);
}

}  // namespace

SlotView::SlotView(Session& session, QWidget* parent) : QWidget(parent), session_(session), theme_(&light_theme()) {
  setObjectName("slot");
  setAccessibleName("Components of the selected slot");
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setMinimumHeight(176);
}

void SlotView::set_theme(const Theme& theme) {
  theme_ = &theme;
  update();
}

void SlotView::show_slot(std::optional<uint32_t> slot) {
  if (slot != slot_) chosen_.reset();
  slot_ = slot;
  order_.reset();
  bars_.clear();
  target_.reset();
  dragging_ = false;
  ghost_.clear();
  why_not_ = "select a pass to see what it consists of";
  const DocumentPointer document = session_.document();
  if (slot && document && document->step) {
    const planner::Subject& subject = document->step->subject;
    auto order = planner::ComponentOrder::of_slot(subject, *slot);
    const SlotLayout layout = slot_layout(subject.evaluation.schedule.slots()[*slot], subject.evaluation.costs);
    if (order) {
      order_ = std::move(*order);
      size_t next[2] = {0, 0};
      for (const SlotStep& step : order_->program()) {
        const bool communication = order_->is_communication(step);
        const auto& lane = communication ? layout.communication : layout.compute;
        const ComponentInterval& time = lane[next[communication ? 1 : 0]++];
        bars_.push_back({time.begin_ns, time.end_ns, communication});
      }
      length_ns_ = 1;
      for (const Bar& bar : bars_) length_ns_ = std::max(length_ns_, bar.end_ns);
    } else {
      why_not_ = QString::fromStdString(order.error().message);
    }
  }
  if (chosen_ && *chosen_ >= bars_.size()) chosen_.reset();
  update();
}

double SlotView::x_of(int64_t time_ns) const {
  return kMargin + static_cast<double>(time_ns) / static_cast<double>(length_ns_) * (width() - 2 * kMargin);
}

QRectF SlotView::lane_rectangle(bool communication) const {
  return {kMargin, static_cast<double>(kLaneTop + (communication ? kLaneHeight + kLaneGap : 0)),
          static_cast<double>(width() - 2 * kMargin), kLaneHeight};
}

QRectF SlotView::bar_of(size_t position) const {
  const Bar& bar = bars_[position];
  const QRectF lane = lane_rectangle(bar.communication);
  return {x_of(bar.begin_ns), lane.top(), std::max(x_of(bar.end_ns) - x_of(bar.begin_ns), 1.0), lane.height()};
}

// Where the component would begin: at the begin of the bar of its lane that it then comes before.
double SlotView::x_of_place(size_t to) const {
  const bool communication = bars_[*chosen_].communication;
  const bool later = to > *chosen_;
  for (size_t i = to + (later ? 1 : 0); i < bars_.size(); ++i) {
    if (bars_[i].communication == communication && i != *chosen_) return x_of(bars_[i].begin_ns);
  }
  return x_of(length_ns_);
}

std::optional<size_t> SlotView::place_near(double x) const {
  std::optional<size_t> nearest;
  for (const size_t to : places_) {
    if (!nearest || std::abs(x_of_place(to) - x) < std::abs(x_of_place(*nearest) - x)) nearest = to;
  }
  return nearest;
}

void SlotView::choose(std::optional<size_t> position) {
  chosen_ = position;
  update();
}

bool SlotView::move_chosen(bool left) {
  if (!order_) return false;
  if (!chosen_) choose(0);
  const size_t to = order_->neighbour(*chosen_, left);
  if (to == *chosen_) return false;
  commit(to);
  return true;
}

void SlotView::commit(size_t to) {
  const SlotProgram program = order_->moved(*chosen_, to);
  chosen_ = to;
  ghost_.clear();
  target_.reset();
  session_.edit("move a component", [slot = *slot_, program](const planner::Subject& subject) {
    return planner::with_component_order(subject, slot, program);
  });
  update();
}

void SlotView::preview(size_t to) {
  if (target_ == to) return;
  target_ = to;
  ghost_ = "...";
  const SlotProgram program = order_->moved(*chosen_, to);
  session_.preview(
      [slot = *slot_, program](const planner::Subject& subject) {
        return planner::with_component_order(subject, slot, program);
      },
      [this, before = session_.document()](const Result<planner::Subject>& after) {
        if (!dragging_) return;
        if (!after) {
          ghost_ = QString::fromStdString(after.error().message);
        } else {
          const int64_t step_ns = after->evaluation.end.step_ns;
          const int64_t change_ns = step_ns - before->step->subject.evaluation.end.step_ns;
          const auto time = [&](int64_t ns) { return QString::fromStdString(before->step->why.time(ns)); };
          ghost_ = QString("step %1 (%2%3)")
                       .arg(time(step_ns),
                            QString(change_ns > 0   ? "+"
                                    : change_ns < 0 ? "-"
                                                    : ""),
                            time(std::abs(change_ns)));
        }
        update();
      });
}

void SlotView::paint_bar(QPainter& painter, size_t position) const {
  const SlotStep& step = order_->program()[position];
  const ComponentCost& cost = order_->cost(step);
  const Look& look = theme_->look(look_of_step(cost, step.pass));
  const QRectF place = bar_of(position).adjusted(0, 0, -0.7, 0);
  paint_swatch(painter, look, place);
  QFont font = painter.font();
  font.setPixelSize(11);
  painter.setFont(font);
  const QFontMetricsF metrics(font);
  const QString name = component_name(cost.component);
  const QString letter = slot_kind_name(step.pass);
  QString text;
  for (const QString& tried : {name + " " + letter, name.left(4) + " " + letter, letter}) {
    if (!text.isEmpty() || metrics.horizontalAdvance(tried) > place.width() - 4) continue;
    text = tried;
  }
  if (!text.isEmpty()) {
    const double width = metrics.horizontalAdvance(text);
    const QRectF plate(place.center().x() - width / 2 - 1, place.center().y() - 8, width + 2, 16);
    if (look.hatch != Hatch::kNone) painter.fillRect(plate, QColor(look.fill));
    painter.setPen(QColor(look.text));
    painter.drawText(plate, Qt::AlignCenter, text);
  }
  if (chosen_ != position) return;
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(theme_->accent, 2.5));
  painter.drawRect(place);
}

void SlotView::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.fillRect(rect(), theme_->base);
  QFont font = painter.font();
  font.setPixelSize(12);
  painter.setFont(font);
  painter.setPen(theme_->muted);
  if (!order_) {
    painter.drawText(rect().adjusted(kMargin, kMargin, -kMargin, -kMargin), Qt::TextWordWrap, why_not_);
    return;
  }
  const DocumentPointer document = session_.document();
  const QString length = QString::fromStdString(document->picture->time_text(length_ns_));
  painter.drawText(QRect(kMargin, 6, width() - 2 * kMargin, 18), Qt::AlignLeft | Qt::AlignVCenter,
                   QString("order inside this slot, %1").arg(length));
  for (const bool communication : {false, true}) {
    const QRectF lane = lane_rectangle(communication);
    painter.fillRect(lane, QColor(theme_->palette.lane));
    painter.setFont(font);
    painter.setPen(theme_->muted);
    painter.drawText(QRectF(lane.left(), lane.top() - 16, lane.width(), 15), Qt::AlignLeft | Qt::AlignVCenter,
                     communication ? "communication" : "compute");
  }
  for (size_t position = 0; position < bars_.size(); ++position) paint_bar(painter, position);
  if (dragging_ && chosen_) {
    const QRectF lane = lane_rectangle(bars_[*chosen_].communication);
    for (const size_t to : places_) {
      const bool here = target_ == to;
      painter.setPen(QPen(here ? theme_->accent : theme_->good, here ? 4 : 2));
      painter.drawLine(QPointF(x_of_place(to), lane.top() - 4), QPointF(x_of_place(to), lane.bottom() + 4));
    }
  }
  painter.setFont(font);
  painter.setPen(ghost_.isEmpty() ? theme_->muted : theme_->text);
  const QString hint = ghost_.isEmpty() ? "drag a component, or choose one and press Alt+Left or Alt+Right" : ghost_;
  painter.drawText(QRect(kMargin, static_cast<int>(lane_rectangle(true).bottom()) + 6, width() - 2 * kMargin, 34),
                   Qt::AlignLeft | Qt::AlignTop | Qt::TextWordWrap, hint);
}

void SlotView::mousePressEvent(QMouseEvent* event) {
  if (!order_) return;
  std::optional<size_t> hit;
  for (size_t position = 0; position < bars_.size(); ++position) {
    if (bar_of(position).contains(event->position())) hit = position;
  }
  choose(hit);
  places_ = hit ? order_->legal_places(*hit) : std::vector<size_t>();
}

void SlotView::mouseMoveEvent(QMouseEvent* event) {
  if ((event->buttons() & Qt::LeftButton) == 0 || !chosen_ || places_.empty()) return;
  dragging_ = true;
  if (const auto to = place_near(event->position().x())) preview(*to);
  update();
}

void SlotView::mouseReleaseEvent(QMouseEvent*) {
  const bool dragged = std::exchange(dragging_, false);
  if (dragged && target_) commit(*target_);
  update();
}

void SlotView::keyPressEvent(QKeyEvent* event) {
  if (!order_ || (event->key() != Qt::Key_Left && event->key() != Qt::Key_Right)) return QWidget::keyPressEvent(event);
  const bool left = event->key() == Qt::Key_Left;
  if ((event->modifiers() & Qt::AltModifier) != 0) {
    move_chosen(left);
    return;
  }
  const size_t last = bars_.size() - 1;
  choose(!chosen_ ? 0 : left ? (*chosen_ == 0 ? 0 : *chosen_ - 1) : std::min(*chosen_ + 1, last));
}

}  // namespace pipeloom::gui
