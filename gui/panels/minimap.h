#pragma once

#include <QWidget>
#include <vector>

#include "gui/panels/timeline_view.h"

namespace pipeloom::gui {

// The whole step in a strip: which share of the ranks is idle when, with the view's window on it to drag.
class Minimap : public QWidget {
  Q_OBJECT

 public:
  // Follows `view`, which must outlive it.
  explicit Minimap(TimelineView& view, QWidget* parent = nullptr);
  QSize sizeHint() const override { return {400, 44}; }

  // [column] The share of the first picture's ranks that idle.
  const std::vector<float>& idle_columns() const { return idle_; }
  // Has to be told when the view's documents have changed.
  void refresh();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;

 private:
  enum class Drag { kNone, kWindow, kBegin, kEnd };

  double x_of(double time_ns) const;
  double time_at(double x) const;
  Drag grip_at(double x) const;

  TimelineView& view_;
  std::vector<float> idle_;
  Drag drag_ = Drag::kNone;
  double pressed_ns_ = 0;
  TimeWindow pressed_window_;
};

}  // namespace pipeloom::gui
